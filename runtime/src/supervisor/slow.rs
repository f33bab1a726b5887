//! Questions about files whose answers may come from a network: they are asked on a thread of their own, so that
//! whoever looks after the sandbox goes on looking, and can leave a question alone.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, mpsc};
use std::thread;

use cowry_vfs::Layer;

use super::bell::Bell;
use crate::remote::{self, FsReply, FsRequest};

/// Whether the answer may take its time.
pub(super) fn is(trees: &[Arc<dyn Layer>], request: &FsRequest) -> bool {
    trees.get(usize::from(request.mount)).is_some_and(|tree| tree.features().waits)
}

/// Who asks them, one at a time. Dropping it leaves the one under way to itself: its thread ends with it.
#[derive(Debug)]
pub(super) struct Slow {
    ask: mpsc::Sender<FsRequest>,
    told: mpsc::Receiver<FsReply>,
    /// Rings when there is an answer, and when there will be none.
    bell: Arc<Bell>,
}

/// Rings when the thread ends, however it does.
struct LastRing(Arc<Bell>);

impl Drop for LastRing {
    fn drop(&mut self) {
        self.0.ring();
    }
}

impl Slow {
    pub(super) fn new(trees: Arc<[Arc<dyn Layer>]>) -> io::Result<Slow> {
        let bell = Arc::new(Bell::new()?);
        let (ask, asked) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let last = LastRing(bell.clone());
        thread::Builder::new().name("cowry-ask".into()).spawn(move || {
            for request in asked {
                if tell.send(remote::answer(&trees, request)).is_err() {
                    return;
                }
                last.0.ring();
            }
        })?;
        Ok(Slow { ask, told, bell })
    }

    /// Asks; the answer is there when the descriptor is ready.
    pub(super) fn ask(&self, request: FsRequest) -> io::Result<()> {
        self.ask.send(request).map_err(io::Error::other)
    }

    /// The answer, once it is there.
    pub(super) fn answer(&self) -> io::Result<Option<FsReply>> {
        self.bell.silence();
        match self.told.try_recv() {
            Ok(reply) => Ok(Some(reply)),
            Err(mpsc::TryRecvError::Empty) => Ok(None),
            Err(mpsc::TryRecvError::Disconnected) => Err(io::Error::other("a question about files was lost")),
        }
    }
}

impl AsFd for Slow {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
