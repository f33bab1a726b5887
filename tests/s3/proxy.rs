//! A proxy on loopback that misbehaves on the wire, between a client and a [`Server`](crate::Server).

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::exchange::Exchange;
use crate::faults::Plan;

/// A proxy that runs until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Proxy {
    /// A proxy in front of `server` that does to requests what `plan` says.
    ///
    /// # Panics
    /// If it cannot listen on loopback.
    pub fn start(server: SocketAddr, plan: Arc<dyn Plan>) -> Proxy {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || run(server, plan, &tell, stopped));
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
    plan: Arc<dyn Plan>,
    tell: &mpsc::Sender<SocketAddr>,
    mut stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("it listens on loopback");
        let _ = tell.send(listener.local_addr().expect("it has an address"));
        let exchange = Exchange::with(server, plan);
        loop {
            tokio::select! {
                _ = &mut stopped => return,
                accepted = listener.accept() => if let Ok((socket, _)) = accepted {
                    // Small pieces wait for nobody.
                    let _ = socket.set_nodelay(true);
                    let exchange = exchange.clone();
                    let answer = service_fn(move |request| exchange.clone().answer(request));
                    tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
                }
            }
        }
    });
}
