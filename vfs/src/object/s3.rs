//! From the environment to a client of S3: endpoint, region, keys.

use object_store::aws::{AmazonS3, AmazonS3Builder};

use super::connect::{Connect, client, retry};
use super::location::Location;
use super::profile::{self, Profile};
use super::sift::Sifting;

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A client of S3 for `location`. Asks nobody yet.
///
/// # Errors
/// What to set in the environment.
pub(super) fn open(location: &Location, how: &Connect, env: Env<'_>) -> Result<AmazonS3, String> {
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    let profile = profile::read(&env)?;
    let how = &Connect { retries: attempts(&env)?.map_or(how.retries, |all| all - 1), ..*how };
    let builder = AmazonS3Builder::new().with_bucket_name(location.bucket()).with_retry(retry(how));
    let builder = builder.with_http_connector(Sifting);
    let builder = keyed(placed(builder, how, &profile, &env)?, profile, &env)?;
    builder.build().map_err(|error| format!("the settings of this bucket cannot be used: {error}"))
}

/// With the server and the region.
fn placed(
    builder: AmazonS3Builder,
    how: &Connect,
    profile: &Profile,
    env: Env<'_>,
) -> Result<AmazonS3Builder, String> {
    let first = |names: &[&str]| names.iter().find_map(|name| env(name));
    let region = first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).or_else(|| profile.region.clone());
    let endpoint = first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]);
    let Some(endpoint) = endpoint.or_else(|| profile.endpoint.clone()) else {
        let region = region.unwrap_or_else(|| "us-east-1".into());
        return Ok(builder.with_region(region).with_client_options(client(how, false)));
    };
    let plain = endpoint.starts_with("http://");
    if !endpoint.starts_with("https://") && !plain {
        return Err("the endpoint must begin with https:// (or http://); check AWS_ENDPOINT_URL".into());
    }
    let authority = endpoint.split('/').nth(2).unwrap_or_default();
    if authority.contains('@') || endpoint.contains(['?', '#']) {
        return Err("an endpoint holds no user, password or option; check AWS_ENDPOINT_URL".into());
    }
    // Names of buckets below a name of a server are what few have; R2 and servers of one's own know paths.
    let virtual_hosts = env("AWS_S3_ADDRESSING_STYLE").is_some_and(|style| style == "virtual");
    let builder = builder.with_region(region.unwrap_or_else(|| "auto".into()));
    let builder = builder.with_client_options(client(how, plain));
    Ok(builder.with_endpoint(endpoint).with_virtual_hosted_style_request(virtual_hosts))
}

/// With keys: the environment's, the profile's, those of a role, or none where the environment says so.
fn keyed(builder: AmazonS3Builder, profile: Profile, env: Env<'_>) -> Result<AmazonS3Builder, String> {
    let advice = profile.advice();
    let keys = match (env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY")) {
        (Some(key), Some(secret)) => Some((key, secret, env("AWS_SESSION_TOKEN"))),
        (Some(_), None) => {
            return Err("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not; set both".into());
        }
        (None, _) => profile.key.zip(profile.secret).map(|(key, secret)| (key, secret, profile.token)),
    };
    let Some((key, secret, token)) = keys else {
        if env("AWS_SKIP_SIGNATURE").is_some_and(|value| value == "true") {
            return Ok(builder.with_skip_signature(true));
        }
        return role(builder, env).map_err(|none| advice.unwrap_or(none));
    };
    printable("AWS_ACCESS_KEY_ID", &key)?;
    printable("AWS_SECRET_ACCESS_KEY", &secret)?;
    let builder = builder.with_access_key_id(key).with_secret_access_key(secret);
    let Some(token) = token else { return Ok(builder) };
    printable("AWS_SESSION_TOKEN", &token)?;
    Ok(builder.with_token(token))
}

/// How often a request is made at most, where the environment says so.
fn attempts(env: Env<'_>) -> Result<Option<usize>, String> {
    let Some(text) = env("AWS_MAX_ATTEMPTS") else { return Ok(None) };
    match text.parse() {
        Ok(all @ 1..=100) => Ok(Some(all)),
        _ => Err("AWS_MAX_ATTEMPTS must be a number from 1 to 100".into()),
    }
}

/// A key goes into a header, which takes no control characters. What it is, is not repeated.
fn printable(name: &str, key: &str) -> Result<(), String> {
    let clean = key.bytes().all(|byte| byte.is_ascii_graphic());
    let bad = || format!("{name} holds a space, a line break or what else is in no key; set it again");
    if clean { Ok(()) } else { Err(bad()) }
}

/// Credentials of the machine or the container, where the environment says that there are some.
fn role(mut builder: AmazonS3Builder, env: Env<'_>) -> Result<AmazonS3Builder, String> {
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
    // Half of a set would have the machine's metadata asked, which is for those who say so.
    let has = |all: &[&str]| all.iter().all(|name| env(name).is_some());
    let whole = SETS.iter().any(|set| has(set));
    if let (false, false, Some((name, _))) = (asked, whole, found.first()) {
        return Err(format!("{name} alone gives no keys; set {}", others(name)));
    }
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

/// What gives keys without the metadata of a machine.
const SETS: [&[&str]; 3] = [
    &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
    &["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"],
    &["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"],
];

/// What a variable needs beside it.
fn others(name: &str) -> String {
    let set = SETS.iter().find(|set| set.contains(&name));
    match set {
        Some(set) => set.iter().filter(|other| **other != name).copied().collect::<Vec<_>>().join(" and "),
        None => "AWS_EC2_METADATA_DISABLED=false, too".into(),
    }
}
