//! A session as its person and administrators see it.

use kubegate_core::time::Timestamp;

use super::super::messages::{Text, literal, text};
use super::super::oauth::authorize::provider_name;
use crate::app::App;
use crate::clock::for_people;
use crate::session::{Session, SessionKind};

/// A session, with the form that ends it.
pub(in crate::http) struct SessionView {
    /// Its id.
    pub(in crate::http) id: String,
    /// Whose it is.
    pub(in crate::http) user: String,
    /// The same, as the store knows the person.
    pub(in crate::http) person: String,
    /// What holds it.
    pub(in crate::http) device: Text,
    /// What kind of client that is.
    pub(in crate::http) kind: Text,
    /// Where it was last used.
    pub(in crate::http) address: Option<String>,
    /// How the person signed in.
    pub(in crate::http) provider: Text,
    /// When it began.
    pub(in crate::http) began: String,
    /// When it was last used.
    pub(in crate::http) used: String,
    /// When it ends at the latest.
    pub(in crate::http) until: String,
    /// Whether it is the one that the page is shown to.
    pub(in crate::http) is_this: bool,
    /// Whether idle time ended it, and only streams that were open may go on.
    pub(in crate::http) is_idle: bool,
    /// Where the form goes.
    pub(in crate::http) action: &'static str,
    /// The proof that the form is ours.
    pub(in crate::http) csrf: String,
}

impl SessionView {
    /// The view of `session` for the holder of the session `own`; `action` and `csrf` are those of the form that ends it.
    pub(super) fn new(
        app: &App,
        session: Session,
        own: &Session,
        now: Timestamp,
        action: &'static str,
        csrf: String,
    ) -> Self {
        let address = session.last_address.or(session.holder.address);
        Self {
            device: device(session.kind, session.holder.client.as_deref()),
            kind: text(format!("kind-{}", session.kind.as_str())),
            address: address.map(|address| address.to_string()),
            provider: provider_name(app, &session.identity.provider),
            began: for_people(session.created_at),
            used: for_people(session.last_used_at),
            until: for_people(session.expires_at),
            is_this: session.id == own.id,
            is_idle: session.is_idle(now),
            person: session.identity.person().to_string(),
            user: session.identity.user,
            id: session.id.to_string(),
            action,
            csrf,
        }
    }
}

/// What holds a session, as far as it said so itself.
fn device(kind: SessionKind, client: Option<&str>) -> Text {
    match (kind, client) {
        (_, None) => text("device-unknown"),
        (SessionKind::Browser, Some(agent)) => match (browser(agent), system(agent)) {
            (Some(browser), Some(system)) => text("device-browser").with("browser", browser).with("system", system),
            (Some(only), None) | (None, Some(only)) => literal(only),
            (None, None) => literal(agent),
        },
        (_, Some(client)) => literal(client),
    }
}

fn browser(agent: &str) -> Option<&'static str> {
    // Each of these says that it is those after it, too.
    let known = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    known.into_iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| name)
}

fn system(agent: &str) -> Option<&'static str> {
    let known = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("CrOS", "ChromeOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    known.into_iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart() {
        for (agent, expected) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("Lynx/2.9", "Lynx/2.9"),
        ] {
            assert_eq!(device(SessionKind::Browser, Some(agent)).to_string(), expected);
        }
        assert_eq!(device(SessionKind::Cli, Some("laptop-9")).to_string(), "laptop-9");
        assert_eq!(device(SessionKind::Cli, None).to_string(), "it did not say what it is");
    }
}
