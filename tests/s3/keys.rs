//! What the environment of a client says, as a value.

/// The variables of a server's clients.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<(String, String)>);

impl Keys {
    /// These variables.
    pub fn new(variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Keys {
        Keys(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The same with a variable that says something else.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Keys {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.into(), value.into()));
        self
    }

    /// The same by way of another address: a proxy's.
    #[must_use]
    pub fn by_way_of(self, endpoint: &str) -> Keys {
        self.with("AWS_ENDPOINT_URL", endpoint)
    }

    /// One variable.
    pub fn env(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}
