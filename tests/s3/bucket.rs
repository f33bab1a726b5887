//! A bucket for tests: on a server of their own, or a real one that the environment names.

use crate::keys::Keys;
use crate::server::Server;

/// A bucket for tests, and what the environment of its clients says.
///
/// With `COWRY_TEST_BUCKET=s3://bucket/prefix` it is that one, with the keys of this process's environment: tests write below
/// a new prefix of it, and remove what they wrote. Otherwise it is one of a server on loopback, which goes with it.
pub struct TestBucket {
    root: String,
    server: Option<Server>,
}

impl TestBucket {
    /// The bucket that the environment names, or one of a new server.
    pub fn start() -> TestBucket {
        match std::env::var("COWRY_TEST_BUCKET") {
            Ok(root) => {
                let own = tempfile::tempdir().expect("a temporary folder can be made");
                let own = own.path().file_name().unwrap_or_default().to_string_lossy().replace('.', "");
                TestBucket { root: format!("{}/{own}", root.trim_end_matches('/')), server: None }
            }
            Err(_) => TestBucket { root: "s3://tests".into(), server: Some(Server::start("tests")) },
        }
    }

    /// The address of what is called `name` in it.
    pub fn address(&self, name: &str) -> String {
        format!("{}/{}", self.root, name.trim_start_matches('.'))
    }

    /// Whether it is one that the environment names.
    pub fn is_real(&self) -> bool {
        self.server.is_none()
    }

    /// What all of its addresses begin with.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// A variable of its clients' environment.
    pub fn env(&self, name: &str) -> Option<String> {
        match &self.server {
            Some(server) => server.env(name),
            None => std::env::var(name).ok(),
        }
    }

    /// What the environment of its clients says, for processes of their own.
    pub fn keys(&self) -> Keys {
        match &self.server {
            Some(server) => server.keys(),
            None => Keys::new(std::env::vars().filter(|(name, _)| name.starts_with("AWS_"))),
        }
    }
}
