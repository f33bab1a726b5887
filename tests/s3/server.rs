//! The server itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::files::Files;
use super::keys::Keys;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder as Connections;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The access key that the server knows.
pub const ACCESS_KEY: &str = "cowry-test-key";
/// The secret key that goes with it.
pub const SECRET_KEY: &str = "cowry-test-secret";

/// Requests that were answered, by method.
#[derive(Default, Debug)]
struct Counts {
    gets: AtomicU64,
    puts: AtomicU64,
    others: AtomicU64,
}

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    folder: PathBuf,
    temporary: Option<tempfile::TempDir>,
    counts: Arc<Counts>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// A server over an empty folder that goes when it does, with one bucket.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(bucket: &str) -> Server {
        let temporary = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::create_dir(temporary.path().join(bucket)).expect("a bucket is a folder");
        let mut server = Server::serve(temporary.path(), 0).expect("it listens on loopback");
        server.temporary = Some(temporary);
        server
    }

    /// A server over `folder`, whose folders are buckets, on a port (0: any that is free) of loopback.
    ///
    /// # Errors
    /// A folder that is none; a port that is taken.
    pub fn serve(folder: &Path, port: u16) -> Result<Server, String> {
        let files =
            s3s_fs::FileSystem::new(folder).map_err(|error| format!("{}: {error:?}", folder.display()))?;
        let mut service = S3ServiceBuilder::new(Files::new(files, folder));
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = service.build();
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let counts = Arc::<Counts>::default();
        let counted = counts.clone();
        let thread = thread::spawn(move || run(port, service, counted, &tell, stopped));
        let address = told.recv().map_err(|_| "the server did not start".to_owned())??;
        Ok(Server {
            address,
            folder: folder.into(),
            temporary: None,
            counts,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as `AWS_ENDPOINT_URL` has it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder whose folders are its buckets.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the environment of its clients says.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.into()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.into()),
            ("AWS_REGION", "us-east-1".into()),
        ]
    }

    /// The same, to be changed or passed on.
    pub fn keys(&self) -> Keys {
        Keys::new(self.environment())
    }

    /// One variable of it, as [`environment`](Server::environment) has them.
    pub fn env(&self, name: &str) -> Option<String> {
        self.environment().into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Requests so far: GET, PUT, all others.
    pub fn requests(&self) -> (u64, u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.counts.gets), of(&self.counts.puts), of(&self.counts.others))
    }

    /// Waits until somebody ends the process.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Counts {
    fn of(&self, method: &Method) -> &AtomicU64 {
        match *method {
            Method::GET => &self.gets,
            Method::PUT => &self.puts,
            _ => &self.others,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(
    port: u16,
    service: S3Service,
    counts: Arc<Counts>,
    tell: &mpsc::Sender<Result<SocketAddr, String>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("two threads can be started");
    runtime.block_on(async move {
        let listener = match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => listener,
            Err(error) => return drop(tell.send(Err(format!("port {port}: {error}")))),
        };
        let _ = tell.send(listener.local_addr().map_err(|error| error.to_string()));
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                accepted = listener.accept() => if let Ok((socket, _)) = accepted {
                    let _ = socket.set_nodelay(true);
                    let (service, counts) = (service.clone(), counts.clone());
                    let service = service_fn(move |request: Request<Incoming>| {
                        counts.of(request.method()).fetch_add(1, Ordering::Relaxed);
                        Service::call(&service, request)
                    });
                    tokio::spawn(async move {
                        let _ = Connections::new(TokioExecutor::new())
                            .serve_connection(TokioIo::new(socket), service)
                            .await;
                    });
                }
            }
        }
    });
}
