//! From an address and the environment to a store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::list::PaginatedListStore;
use object_store::memory::InMemory;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::contained::Contained;
use super::location::{Location, Scheme};
use super::s3;
use super::sift::Sifting;
use super::trouble::{Trouble, TroubleKind};

/// How a bucket is met.
#[derive(Clone, Copy, Debug)]
pub struct Connect {
    /// How long one operation may take, retries included; then `ETIMEDOUT`. A transfer of much data has it for
    /// each piece.
    pub deadline: Duration,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How often a request is tried again where the server was overloaded or the connection broke, with pauses that
    /// grow to five seconds. `AWS_MAX_ATTEMPTS` says otherwise for S3.
    pub retries: usize,
}

/// With their pauses about ten seconds.
const RETRIES: usize = 8;

impl Default for Connect {
    fn default() -> Self {
        Connect {
            deadline: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            retries: RETRIES,
        }
    }
}

/// A store, and what it can do beyond the common.
pub(super) struct Store {
    pub objects: Arc<dyn ObjectStore>,
    /// Listing page by page; the others list whole.
    pub pages: Option<Arc<dyn PaginatedListStore>>,
    /// Whether it keeps metadata of users with an object.
    pub attributes: bool,
    /// How it is told to replace an object only as it was seen.
    pub condition: Condition,
}

/// How a store takes a condition on what it replaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    /// By the ETag.
    Tag,
    /// By a version that a look at the object tells: one more request.
    Version,
    /// Not at all: the object is looked at just before.
    Look,
}

impl Store {
    fn new<S: ObjectStore + PaginatedListStore>(store: S) -> Store {
        let store = Arc::new(store);
        Store { objects: store.clone(), pages: Some(store), attributes: true, condition: Condition::Tag }
    }
}

/// Opens what `location` names. Asks nobody yet: whether it is there is found out by the first request.
pub(super) fn open(
    location: &Location,
    how: &Connect,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Store, Trouble> {
    let settings = |message: String| Trouble::new(TroubleKind::Settings, message);
    match location.scheme() {
        Scheme::S3 => s3::open(location, how, env).map(Store::new).map_err(settings),
        Scheme::Gcs => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(location.bucket());
            let built = builder.with_retry(retry(how)).with_client_options(client(how, false));
            let built = built.with_http_connector(Sifting).build();
            built
                .map(|store| Store { condition: Condition::Version, ..Store::new(store) })
                .map_err(|_| settings(ask_for("GOOGLE_SERVICE_ACCOUNT")))
        }
        Scheme::Azure => {
            let builder = MicrosoftAzureBuilder::from_env().with_container_name(location.bucket());
            let builder = builder.with_retry(retry(how)).with_client_options(client(how, false));
            let built = builder.with_http_connector(Sifting).build();
            built
                .map(Store::new)
                .map_err(|_| settings(ask_for("AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY")))
        }
        Scheme::Local => Ok(Store {
            objects: Arc::new(Contained::new(location.prefix())),
            pages: None,
            attributes: false,
            condition: Condition::Look,
        }),
        Scheme::Memory => {
            let objects = memory(location.bucket());
            Ok(Store { objects, pages: None, attributes: true, condition: Condition::Tag })
        }
    }
}

fn ask_for(variables: &str) -> String {
    format!("the settings of this store are incomplete or wrong; check {variables}")
}

/// Memories by name, so that what opens one again finds it as it was.
fn memory(name: &str) -> Arc<dyn ObjectStore> {
    static ALL: OnceLock<Mutex<HashMap<String, Arc<InMemory>>>> = OnceLock::new();
    let mut all = ALL.get_or_init(Default::default).lock().unwrap_or_else(|broken| broken.into_inner());
    all.entry(name.to_owned()).or_default().clone()
}

pub(super) fn retry(how: &Connect) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 3.0, // a pause is drawn by lot from what is below the last one times this
        },
        max_retries: how.retries,
        retry_timeout: how.deadline,
    }
}

pub(super) fn client(how: &Connect, plain: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(plain)
        .with_timeout(how.deadline)
        .with_read_timeout(how.deadline / 3) // a reply that stalls is asked for again
        .with_connect_timeout(how.connect_timeout)
        .with_http1_only()
}
