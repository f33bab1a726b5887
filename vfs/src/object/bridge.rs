//! The one place where synchronous code meets asynchronous requests.

use std::future::Future;
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

use super::trouble::Trouble;

/// Threads that drive requests. Waiting for a network is most of what they do.
const THREADS: usize = 2;

/// The runtime that requests run on. It is made at the first request and lives as long as the process.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        // A second provider cannot be installed, and then the first one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("cowry-io")
            .enable_all()
            .build()
            .expect("two threads can be started")
    })
}

/// Enters the runtime for the making of clients, which look for one.
pub(super) fn enter<T>(make: impl FnOnce() -> T) -> T {
    let _inside = runtime().enter();
    make()
}

/// Runs `work` to its end, or until `deadline` has passed: then it is dropped where it stands.
///
/// May be called inside another runtime's thread: the caller's thread blocks and nothing else does.
pub(super) fn wait<T: Send + 'static>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Trouble>> + Send + 'static,
) -> Result<T, Trouble> {
    begin(deadline, work).end()
}

/// Runs `work` to its end however long it takes: its parts have deadlines of their own.
pub(super) fn wait_long<T: Send + 'static>(
    work: impl Future<Output = Result<T, Trouble>> + Send + 'static,
) -> Result<T, Trouble> {
    spawn(work).end()
}

/// Begins `work`, to be waited for later; it is dropped when `deadline` has passed.
pub(super) fn begin<T: Send + 'static>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Trouble>> + Send + 'static,
) -> Waiting<T> {
    spawn(bounded(deadline, work))
}

fn spawn<T: Send + 'static>(work: impl Future<Output = Result<T, Trouble>> + Send + 'static) -> Waiting<T> {
    let (tell, told) = mpsc::sync_channel(1);
    runtime().spawn(async move {
        let _ = tell.send(work.await);
    });
    Waiting(told)
}

/// What [`begin`] began.
pub(super) struct Waiting<T>(mpsc::Receiver<Result<T, Trouble>>);

impl<T> Waiting<T> {
    /// Waits for its end.
    pub fn end(self) -> Result<T, Trouble> {
        self.0.recv().unwrap_or_else(|_| Err(Trouble::lost()))
    }
}

/// Starts `work`, which tells what it finds by itself; what is returned gives it up.
pub(super) fn start(work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    runtime().spawn(work).abort_handle()
}

/// `work`, for no longer than `deadline`.
pub(super) async fn bounded<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    tokio::time::timeout(deadline, work).await.unwrap_or_else(|_| Err(Trouble::deadline(deadline)))
}

/// The most requests in the background at a time.
static IN_BACKGROUND: Semaphore = Semaphore::const_new(32);

/// `work`, for no longer than `deadline` once it is its turn.
pub(super) async fn in_turn<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let _turn = IN_BACKGROUND.acquire().await;
    bounded(deadline, work).await
}

/// Runs what takes its time and waits for nothing, beside the threads that drive requests.
pub(super) async fn blocking(work: impl FnOnce() + Send + 'static) {
    let _ = tokio::task::spawn_blocking(work).await;
}

/// A channel from a task to a synchronous reader, who may be slow: at most `room` items are in it, and a task that
/// waits for room keeps no thread.
pub(super) fn channel<T>(room: usize) -> (Teller<T>, impl Iterator<Item = T>) {
    let (tell, told) = mpsc::channel::<(T, OwnedSemaphorePermit)>();
    let teller = Teller { tell, room: Arc::new(Semaphore::new(room)) };
    (teller, told.into_iter().map(|(item, _room)| item))
}

/// The task's end of a [`channel`].
pub(super) struct Teller<T> {
    tell: mpsc::Sender<(T, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

impl<T> Teller<T> {
    /// Sends when there is room.
    ///
    /// # Errors
    /// If nobody reads any more.
    pub(super) async fn send(&self, item: T) -> Result<(), ()> {
        let room = self.room.clone().acquire_owned().await.map_err(drop)?;
        self.tell.send((item, room)).map_err(drop)
    }
}
