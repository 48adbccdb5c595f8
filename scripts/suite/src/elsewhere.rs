//! Another website of one page. What a browser sends for it must not count as the presenter's action.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// The most of a request that is read, in bytes.
const REQUEST_MAX: usize = 16 * 1024;

/// Another website, gone when it is dropped.
pub struct Elsewhere {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Elsewhere {
    /// A website that answers every request with this page.
    pub async fn with_page(page: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let length = page.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{page}"
        );
        let serving = tokio::spawn(async move {
            while let Ok((mut browser, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    // Each of these requests fits into one read.
                    if browser.read(&mut vec![0; REQUEST_MAX]).await.is_ok() {
                        drop(browser.write_all(answer.as_bytes()).await);
                    }
                });
            }
        });
        Ok(Elsewhere { address, serving })
    }

    /// On `127.0.0.1` it is the same site as a suite on this machine, on `localhost` another one.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
