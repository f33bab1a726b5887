//! A proxy on loopback that misbehaves on the wire, between a client and a [`Server`](crate::Server).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{ETAG, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::faults::{FOREVER, Fault, Faults, Request};

type Broken = Box<dyn std::error::Error + Send + Sync>;
type Body = BoxBody<Bytes, Broken>;
type Upstream = Client<HttpConnector, Full<Bytes>>;

/// A proxy that runs until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Proxy {
    /// A proxy in front of `server`, with the faults of a schedule.
    ///
    /// # Panics
    /// If it cannot listen on loopback.
    pub fn start(server: SocketAddr, faults: Arc<Faults>) -> Proxy {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || run(server, faults, &tell, stopped));
        let address = told.recv().expect("it listens on loopback");
        Proxy { address, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens, as `AWS_ENDPOINT_URL` has it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(
    server: SocketAddr,
    faults: Arc<Faults>,
    tell: &mpsc::Sender<SocketAddr>,
    mut stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("it listens on loopback");
        let _ = tell.send(listener.local_addr().expect("it has an address"));
        let upstream: Upstream = Client::builder(TokioExecutor::new()).build_http();
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                accepted = listener.accept() => if let Ok((socket, _)) = accepted {
                    let (faults, upstream) = (faults.clone(), upstream.clone());
                    let answer = service_fn(move |request| answer(server, upstream.clone(), faults.clone(), request));
                    tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
                }
            }
        }
    });
}

/// Passes a request on, and its reply back, as far as the schedule lets it.
async fn answer(
    server: SocketAddr,
    upstream: Upstream,
    faults: Arc<Faults>,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, Broken> {
    let path = request.uri().path().to_owned();
    let fault = faults.next(kind(&request), &path);
    match fault {
        Some(Fault::Before) => return Err("it is dropped on purpose".into()),
        Some(Fault::Throttled) => return Ok(refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown")),
        Some(Fault::Broken) => return Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")),
        Some(Fault::Expired) => return Ok(refusal(StatusCode::BAD_REQUEST, "ExpiredToken")),
        _ => {}
    }
    let (mut head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("http://{server}{target}").parse::<Uri>()?;
    let body = body.collect().await?.to_bytes();
    let reply = upstream.request(hyper::Request::from_parts(head, Full::new(body))).await?;
    let (mut head, body) = reply.into_parts();
    let body = body.collect().await?.to_bytes();
    match fault {
        Some(Fault::After) => return Err("its reply is dropped on purpose".into()),
        Some(Fault::Stall) => tokio::time::sleep(FOREVER).await,
        Some(Fault::WrongTag) => {
            head.headers.insert(ETAG, HeaderValue::from_static("\"0123456789abcdef\""));
        }
        _ => {}
    }
    let cut = faults.draw(&path, body.len());
    let body = match fault {
        Some(Fault::Reset | Fault::Short | Fault::Truncated) => broken(body.slice(..cut)),
        Some(Fault::Corrupt) => whole(flipped(&body, cut)),
        _ => whole(body),
    };
    Ok(Response::from_parts(head, body))
}

fn kind(request: &hyper::Request<Incoming>) -> Request {
    let query = request.uri().query().unwrap_or_default();
    match *request.method() {
        Method::GET if query.contains("list-type") => Request::List,
        Method::GET | Method::HEAD => Request::Get,
        Method::PUT => Request::Put,
        Method::DELETE => Request::Delete,
        _ => Request::Other,
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
