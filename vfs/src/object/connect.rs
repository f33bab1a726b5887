//! From an address and the environment to a store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::list::PaginatedListStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::location::{Location, Scheme};
use super::profile;
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
    /// How often a request is tried again where the server was overloaded or the connection broke.
    pub retries: usize,
}

impl Default for Connect {
    fn default() -> Self {
        Connect { deadline: Duration::from_secs(60), connect_timeout: Duration::from_secs(10), retries: 8 }
    }
}

/// A store, and what it can do beyond the common.
pub(super) struct Store {
    pub objects: Arc<dyn ObjectStore>,
    /// Listing page by page; the others list whole.
    pub pages: Option<Arc<dyn PaginatedListStore>>,
    /// Whether it keeps metadata of users with an object.
    pub attributes: bool,
    /// Whether it replaces an object only where it still has the ETag it is told.
    pub conditional: bool,
}

impl Store {
    fn new<S: ObjectStore + PaginatedListStore>(store: S) -> Store {
        let store = Arc::new(store);
        Store { objects: store.clone(), pages: Some(store), attributes: true, conditional: true }
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
        Scheme::S3 => s3(location, how, env).map_err(settings),
        Scheme::Gcs => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(location.bucket());
            let builder = builder.with_retry(retry(how)).with_client_options(client(how, false));
            let built = builder.with_http_connector(Sifting).build();
            built.map(Store::new).map_err(|_| settings(ask_for("GOOGLE_SERVICE_ACCOUNT")))
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
            objects: Arc::new(LocalFileSystem::new().with_automatic_cleanup(false)),
            pages: None,
            attributes: false,
            conditional: false,
        }),
        Scheme::Memory => {
            Ok(Store { objects: memory(location.bucket()), pages: None, attributes: true, conditional: true })
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

fn s3(location: &Location, how: &Connect, env: &dyn Fn(&str) -> Option<String>) -> Result<Store, String> {
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    let profile = profile::read(&env)?;
    let region = env("AWS_REGION").or_else(|| env("AWS_DEFAULT_REGION")).or(profile.region);
    let endpoint =
        env("AWS_ENDPOINT_URL_S3").or_else(|| env("AWS_ENDPOINT_URL")).or_else(|| env("AWS_ENDPOINT"));
    let endpoint = endpoint.or(profile.endpoint);
    let plain = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(location.bucket())
        .with_region(region.unwrap_or_else(|| if endpoint.is_some() { "auto" } else { "us-east-1" }.into()))
        .with_retry(retry(how))
        .with_client_options(client(how, plain))
        .with_http_connector(Sifting);
    if let Some(endpoint) = &endpoint {
        if !endpoint.starts_with("https://") && !plain {
            return Err("the endpoint must begin with https:// (or http://); check AWS_ENDPOINT_URL".into());
        }
        // Names of buckets below a name of a server are what few have; R2 and servers of one's own know paths.
        let virtual_hosts = env("AWS_S3_ADDRESSING_STYLE").is_some_and(|style| style == "virtual");
        builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(virtual_hosts);
    }
    let keys = env("AWS_ACCESS_KEY_ID")
        .zip(env("AWS_SECRET_ACCESS_KEY"))
        .map(|keys| (keys, env("AWS_SESSION_TOKEN")));
    let keys = keys.or_else(|| profile.key.zip(profile.secret).map(|keys| (keys, profile.token)));
    builder = match keys {
        Some(((key, secret), token)) => {
            let builder = builder.with_access_key_id(key).with_secret_access_key(secret);
            match token {
                Some(token) => builder.with_token(token),
                None => builder,
            }
        }
        None if env("AWS_SKIP_SIGNATURE").is_some_and(|value| value == "true") => {
            builder.with_skip_signature(true)
        }
        None => role(builder, &env)?,
    };
    builder
        .build()
        .map(Store::new)
        .map_err(|error| format!("the settings of this bucket cannot be used: {error}"))
}

/// Credentials of the machine or the container, where the environment says that there are some.
fn role(
    mut builder: AmazonS3Builder,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<AmazonS3Builder, String> {
    const NAMES: [&str; 6] = [
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_METADATA_ENDPOINT",
    ];
    let asked = env("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value == "false");
    let found: Vec<_> = NAMES.iter().filter_map(|name| env(name).map(|value| (name, value))).collect();
    if found.is_empty() && !asked {
        return Err("no keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE \
                    (a public bucket: AWS_SKIP_SIGNATURE=true; the role of a machine: AWS_EC2_METADATA_DISABLED=false)"
            .into());
    }
    for (name, value) in found {
        if let Ok(key) = name.to_ascii_lowercase().parse() {
            builder = builder.with_config(key, value);
        }
    }
    Ok(builder)
}

fn retry(how: &Connect) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: how.retries,
        retry_timeout: how.deadline,
    }
}

fn client(how: &Connect, plain: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(plain)
        .with_timeout(how.deadline)
        .with_read_timeout(how.deadline / 3) // a reply that stalls is asked for again
        .with_connect_timeout(how.connect_timeout)
        .with_http1_only()
}
