//! What the files of the AWS command line say: `~/.aws/credentials` and `~/.aws/config`.

use std::path::PathBuf;

use ini::Ini;

/// What a profile sets. What it leaves open is `None`.
#[derive(Default)]
pub(super) struct Profile {
    pub key: Option<String>,
    pub secret: Option<String>,
    pub token: Option<String>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
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
    Ok(Profile {
        key: value("aws_access_key_id"),
        secret: value("aws_secret_access_key"),
        token: value("aws_session_token"),
        region: value("region"),
        endpoint: value("endpoint_url"),
    })
}

/// A file of settings, if it is there. What is wrong in it is told by its name, never by its content.
fn load(env: &dyn Fn(&str) -> Option<String>, variable: &str, name: &str) -> Result<Option<Ini>, String> {
    let place = env(variable).map(PathBuf::from);
    let usual = || env("HOME").map(|home| PathBuf::from(home).join(".aws").join(name));
    let Some(place) = place.or_else(usual).filter(|place| place.is_file()) else { return Ok(None) };
    match Ini::load_from_file_noescape(&place) {
        Ok(file) => Ok(Some(file)),
        Err(_) => Err(format!("{} cannot be read as settings; correct it", place.display())),
    }
}
