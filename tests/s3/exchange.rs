//! One request and its reply on their way through a [`Proxy`](crate::Proxy), and what happens to them there.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, ETAG, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::faults::{FOREVER, Fault, Plan, Request};

type Broken = Box<dyn std::error::Error + Send + Sync>;
type Body = BoxBody<Bytes, Broken>;

/// What a proxy passes requests on with.
#[derive(Clone)]
pub(crate) struct Exchange {
    server: SocketAddr,
    plan: Arc<dyn Plan>,
    upstream: Client<HttpConnector, Body>,
}

impl Exchange {
    pub fn with(server: SocketAddr, plan: Arc<dyn Plan>) -> Exchange {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Exchange { server, plan, upstream: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// Passes a request on, and its reply back, as far as the plan lets it.
    pub async fn answer(self, request: hyper::Request<Incoming>) -> Result<Response<Body>, Broken> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let (kind, key) = about(&head, &body);
        let fault = self.plan.next(kind, &key);
        match fault {
            Some(Fault::Before) => return Err("it is dropped on purpose".into()),
            Some(Fault::Throttled) => return Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown")),
            Some(Fault::TooMany) => return Ok(refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests")),
            Some(Fault::Broken) => return Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")),
            Some(Fault::Expired) => return Ok(refusal(StatusCode::BAD_REQUEST, "ExpiredToken")),
            Some(Fault::Hold) => tokio::time::sleep(FOREVER).await,
            Some(Fault::Cut) => {
                let half = broken(body.slice(..self.plan.cut(&key, body.len())));
                let _ = self.pass(head, half).await;
                return Err("it is cut on purpose".into());
            }
            _ => {}
        }
        let (head, body) = self.pass(head, whole(body)).await?;
        match fault {
            Some(Fault::After) => return Err("its reply is dropped on purpose".into()),
            Some(Fault::BrokenAfter) => {
                return Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"));
            }
            Some(Fault::Stall) => tokio::time::sleep(FOREVER).await,
            _ => {}
        }
        let cut = self.plan.cut(&key, body.len());
        Ok(damaged(head, body, cut, fault))
    }

    /// What the server says.
    async fn pass(
        &self,
        mut head: Parts,
        body: Body,
    ) -> Result<(hyper::http::response::Parts, Bytes), Broken> {
        let target = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = format!("http://{}{target}", self.server).parse::<Uri>()?;
        let reply = self.upstream.request(hyper::Request::from_parts(head, body)).await?;
        let (head, body) = reply.into_parts();
        Ok((head, body.collect().await?.to_bytes()))
    }
}

/// A reply as it comes out.
fn damaged(
    mut head: hyper::http::response::Parts,
    body: Bytes,
    cut: usize,
    fault: Option<Fault>,
) -> Response<Body> {
    let body = match fault {
        Some(Fault::WrongTag) => {
            head.headers.insert(ETAG, HeaderValue::from_static("\"0123456789abcdef\""));
            whole(body)
        }
        Some(Fault::Reset) => broken(body.slice(..cut)),
        // What it says of its length is true of what is sent.
        Some(Fault::Short | Fault::Truncated) => {
            head.headers.remove(CONTENT_LENGTH);
            whole(body.slice(..cut))
        }
        Some(Fault::Corrupt | Fault::Garbled) => whole(flipped(&body, cut)),
        _ => whole(body),
    };
    Response::from_parts(head, body)
}

/// What a request is about: of a removal of several objects the first of them.
fn about(head: &Parts, body: &Bytes) -> (Request, String) {
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let part = query.split('&').find(|pair| pair.starts_with("partNumber=")).unwrap_or_default();
    match head.method {
        Method::GET if query.contains("list-type") => (Request::List, query.to_owned()),
        Method::GET | Method::HEAD => (Request::Get, path.to_owned()),
        Method::PUT => (Request::Put, format!("{path}{part}")),
        Method::DELETE => (Request::Delete, path.to_owned()),
        _ if query.split('&').any(|pair| pair.split('=').next() == Some("delete")) => {
            let text = String::from_utf8_lossy(body);
            let key = text.split_once("<Key>").and_then(|(_, rest)| rest.split_once("</Key>"));
            (Request::Delete, format!("{path}/{}", key.map_or("", |(key, _)| key)))
        }
        _ => (Request::Other, path.to_owned()),
    }
}

fn refusal(status: StatusCode, code: &str) -> Response<Body> {
    let text =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>on purpose</Message></Error>");
    let mut response = Response::new(whole(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("0"));
    response
}

fn flipped(body: &Bytes, at: usize) -> Bytes {
    let mut body = body.to_vec();
    body.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x20);
    body.into()
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never: Infallible| match never {}).boxed()
}

/// A body that ends too early with the connection.
fn broken(body: Bytes) -> Body {
    let pieces = [Ok(Frame::data(body)), Err(Broken::from("the connection is reset on purpose"))];
    BodyExt::boxed(StreamBody::new(stream::iter(pieces)))
}
