//! A stream of a site, such as `/api/live`: server-sent events, read as they come.

use anyhow::{Result, ensure};
use bus::http_client;
use reqwest::Response;
use serde_json::Value;

use crate::Site;

#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub name: String,
    /// The event's data, as JSON.
    pub data: Value,
}

pub struct Feed {
    response: Response,
    unread: Vec<u8>,
}

impl Feed {
    /// Opens the stream at this path.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn open(site: &Site, path: &str) -> Result<Self> {
        // Without the time limit of other calls: a stream has no end.
        let http = http_client(site.address()).build()?;
        let response = http.get(format!("{}{path}", site.address())).send().await?;
        ensure!(response.status().is_success(), "{path} answers {}", response.status());
        Ok(Feed { response, unread: Vec::new() })
    }

    /// The next event; `None` when the stream has ended.
    pub async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                if let Some(event) = read(&String::from_utf8_lossy(&block)) {
                    return Ok(Some(event));
                }
                continue;
            }
            match self.response.chunk().await? {
                Some(bytes) => self.unread.extend_from_slice(&bytes),
                None => return Ok(None),
            }
        }
    }
}

fn read(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let data = serde_json::from_str(field("data:")?).ok()?;
    Some(Event { name: field("event:").unwrap_or("message").to_owned(), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_an_event() {
        let event = read("event: order\ndata: {\"status\":\"placed\"}\n\n").unwrap();
        assert_eq!((event.name.as_str(), &event.data["status"]), ("order", &Value::from("placed")));
        assert_eq!(read(": a comment\n\n"), None);
    }
}
