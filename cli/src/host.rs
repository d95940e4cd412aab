//! What this computer is called, so that people know their sessions by it.

/// The host's name, as far as it prints; `None` when it has none.
pub(crate) fn name() -> Option<String> {
    let name: String = raw()?.chars().filter(|c| !c.is_control()).take(64).collect();
    Some(name).filter(|name| !name.trim().is_empty())
}

#[cfg(unix)]
fn raw() -> Option<String> {
    Some(rustix::system::uname().nodename().to_string_lossy().into_owned())
}

#[cfg(not(unix))]
fn raw() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}
