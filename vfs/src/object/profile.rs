//! What the files of the AWS command line say: `~/.aws/credentials` and `~/.aws/config`.

use std::io::ErrorKind;
use std::path::PathBuf;

use ini::Ini;

/// What a profile sets. What it leaves open is `None`.
pub(super) struct Profile {
    pub key: Option<String>,
    pub secret: Option<String>,
    pub token: Option<String>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
    /// A setting that would have the keys come from elsewhere.
    other: Option<&'static str>,
    name: String,
}

/// Reads the profile that `AWS_PROFILE` names (`default` if it names none).
///
/// # Errors
/// A profile that was named and is nowhere; a file that cannot be read as what it is.
pub(super) fn read(env: &dyn Fn(&str) -> Option<String>) -> Result<Profile, String> {
    let named = env("AWS_PROFILE").filter(|name| !name.is_empty());
    let name = named.clone().unwrap_or_else(|| "default".into());
    let credentials = load(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials")?;
    let config = load(env, "AWS_CONFIG_FILE", "config")?;
    let first = credentials.as_ref().and_then(|file| file.section(Some(&name)));
    let heading = if name == "default" { name.clone() } else { format!("profile {name}") };
    let second = config.as_ref().and_then(|file| file.section(Some(heading)));
    if let (Some(name), None, None) = (named, first, second) {
        return Err(format!(
            "AWS_PROFILE names \"{name}\", which is neither in ~/.aws/credentials nor in ~/.aws/config; correct it or unset it"
        ));
    }
    let value = |key: &str| {
        first.and_then(|it| it.get(key)).or_else(|| second.and_then(|it| it.get(key))).map(str::to_owned)
    };
    let profile = Profile {
        key: value("aws_access_key_id"),
        secret: value("aws_secret_access_key"),
        token: value("aws_session_token"),
        region: value("region"),
        endpoint: value("endpoint_url"),
        other: OTHERS.into_iter().find(|key| value(key).is_some()),
        name,
    };
    match (&profile.key, &profile.secret) {
        (Some(_), None) => Err(profile.lacks("aws_secret_access_key")),
        (None, Some(_)) => Err(profile.lacks("aws_access_key_id")),
        _ => Ok(profile),
    }
}

/// Ways to get keys that only the AWS command line knows.
const OTHERS: [&str; 6] = [
    "credential_process",
    "sso_session",
    "sso_start_url",
    "role_arn",
    "login_session",
    "web_identity_token_file",
];

impl Profile {
    fn lacks(&self, key: &str) -> String {
        format!("the profile \"{}\" has no {key}; add it", self.name)
    }

    /// What to do where the profile has no keys of its own.
    pub fn advice(&self) -> Option<String> {
        self.other.map(|other| {
            let name = &self.name;
            format!(
                "the profile \"{name}\" gets its keys by {other}, which only the AWS command line can; let it: \
                 eval \"$(aws configure export-credentials --profile {name} --format env)\""
            )
        })
    }
}

/// A file of settings, if it is there. What is wrong in it is told by its name, never by its content.
fn load(env: &dyn Fn(&str) -> Option<String>, variable: &str, name: &str) -> Result<Option<Ini>, String> {
    let place = env(variable).map(PathBuf::from);
    let usual = || env("HOME").map(|home| PathBuf::from(home).join(".aws").join(name));
    let Some(place) = place.or_else(usual) else { return Ok(None) };
    match Ini::load_from_file_noescape(&place) {
        Ok(file) => Ok(Some(file)),
        Err(ini::Error::Io(error)) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(None),
            _ => Err(format!("{} cannot be read: {error}", place.display())),
        },
        Err(_) => Err(format!("{} cannot be read as settings; correct it", place.display())),
    }
}
