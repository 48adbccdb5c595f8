//! The few calls of the broker's admin REST API that we need.

use std::time::Duration;

use events::ids::Moment;
use futures_util::future::BoxFuture;
use reqwest::{Certificate, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{address::Broker, http_client};

/// How long one call may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How much of an examined message is kept, in bytes.
const EXAMINED_MAX: usize = 4096;

/// The admin REST API of a broker.
#[derive(Clone, Debug)]
pub struct Admin {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// A message of a topic, read without a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its id: ledger and entry.
    pub id: String,
    /// When it was published.
    pub at: Option<Moment>,
    pub key: Option<String>,
    /// Its content as text, at most 4 KiB.
    pub payload: String,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("the broker's admin API does not answer at {url}")]
    NoAnswer {
        url: String,
        #[source]
        cause: reqwest::Error,
    },
    /// An answer other than success.
    #[error("{method} {url} was answered {status}: {body}")]
    Refused {
        method: Method,
        url: String,
        status: StatusCode,
        /// The body of the answer, at most 300 characters.
        body: String,
    },
}

impl Admin {
    /// The admin API of this broker.
    pub fn new(broker: &Broker) -> Result<Self, AdminError> {
        let base = broker.admin_url.trim_end_matches('/').to_owned();
        let unusable = |error| no_answer(base.clone(), error);
        let mut http = http_client(&base).timeout(ANSWER_WITHIN);
        if let Some(authorities) = &broker.authorities {
            http = http.tls_certs_merge(Certificate::from_pem_bundle(authorities).map_err(unusable)?);
        }
        let http = http.build().map_err(unusable)?;
        Ok(Admin { http, base, token: broker.token.clone() })
    }

    /// Reads `path`, below `/admin/v2`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AdminError> {
        let url = self.url(path);
        let answer = self.call(Method::GET, path, None, &[]).await?;
        answer.json().await.map_err(|error| no_answer(url, error))
    }

    /// Reads `path`, below `/admin/v2`, as plain text.
    pub async fn text(&self, path: &str) -> Result<String, AdminError> {
        let url = self.url(path);
        let answer = self.call(Method::GET, path, None, &[]).await?;
        answer.text().await.map_err(|error| no_answer(url, error))
    }

    /// The message at this distance from the end of a topic, 1 being the last one; `None` if there is none.
    /// `topic` is a path, `persistent/tenant/namespace/name`.
    pub async fn examine(&self, topic: &str, back: u64) -> Result<Option<Examined>, AdminError> {
        let path = format!("{topic}/examinemessage?initialPosition=latest&messagePosition={back}");
        let mut answer = match self.call(Method::GET, &path, None, &[StatusCode::NOT_FOUND]).await? {
            answer if answer.status() == StatusCode::NOT_FOUND => return Ok(None),
            answer => answer,
        };
        let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        let (id, at) = (header("x-pulsar-message-id"), header("x-pulsar-publish-time"));
        let (key, url) = (header("x-pulsar-partition-key"), self.url(&path));
        let mut payload = Vec::new();
        while payload.len() < EXAMINED_MAX {
            let chunk = answer.chunk().await.map_err(|error| no_answer(url.clone(), error))?;
            let Some(chunk) = chunk else { break };
            payload.extend_from_slice(&chunk);
        }
        payload.truncate(EXAMINED_MAX);
        let payload = String::from_utf8_lossy(&payload).into_owned();
        Ok(Some(Examined { id: id.unwrap_or_default(), at: at.and_then(|at| at.parse().ok()), key, payload }))
    }

    /// Whether the broker reports that it is ready.
    pub async fn is_ready(&self) -> bool {
        self.call(Method::GET, "brokers/ready", None, &[]).await.is_ok()
    }

    /// Creates something. It is no error if it exists already.
    pub async fn put(&self, path: &str, body: Option<&Value>) -> Result<(), AdminError> {
        self.call(Method::PUT, path, body, &[StatusCode::CONFLICT]).await.map(drop)
    }

    pub(crate) async fn set(&self, method: Method, path: &str, value: &Value) -> Result<(), AdminError> {
        self.call(method, path, Some(value), &[]).await.map(drop)
    }

    pub async fn post(&self, path: &str) -> Result<(), AdminError> {
        self.call(Method::POST, path, None, &[]).await.map(drop)
    }

    /// Deletes something. It is no error if it does not exist.
    pub async fn delete(&self, path: &str) -> Result<(), AdminError> {
        self.call(Method::DELETE, path, None, &[StatusCode::NOT_FOUND]).await.map(drop)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/admin/v2/{path}", self.base)
    }

    fn call<'a>(
        &'a self,
        method: Method,
        path: &'a str,
        body: Option<&'a Value>,
        as_good: &'a [StatusCode],
    ) -> BoxFuture<'a, Result<reqwest::Response, AdminError>> {
        Box::pin(self.request(method, path, body, as_good))
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        as_good: &[StatusCode],
    ) -> Result<reqwest::Response, AdminError> {
        let url = self.url(path);
        let mut request = self.http.request(method.clone(), &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| no_answer(url.clone(), error))?;
        let status = answer.status();
        if status.is_success() || as_good.contains(&status) {
            return Ok(answer);
        }
        let body = answer.text().await.unwrap_or_default().chars().take(300).collect();
        Err(AdminError::Refused { method, url, status, body })
    }
}

fn no_answer(url: String, error: reqwest::Error) -> AdminError {
    AdminError::NoAnswer { url, cause: error.without_url() }
}
