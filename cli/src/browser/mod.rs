//! The person's browser: whether there is one, how it opens, and how it comes back.

pub(crate) mod callback;
pub(crate) mod page;

use std::env;
use std::path::Path;

/// Browsers that need the terminal, which belongs to kubectl.
const TEXT_BROWSERS: [&str; 9] = ["lynx", "links", "links2", "elinks", "w3m", "eww", "netrik", "retawq", "curl"];

/// Whether a browser can open on the screen in front of the person.
///
/// `$BROWSER` speaks for itself (editors that run on another machine set it to a program that opens
/// the browser at home); else an SSH session or a missing display means no.
pub(crate) fn is_available() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if let Some(browser) = env::var("BROWSER").ok().filter(|browser| !browser.is_empty()) {
        return !browser.split(':').any(is_text_browser);
    }
    if set("SSH_CONNECTION") || set("SSH_TTY") {
        return false;
    }
    cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY") || is_wsl()
}

/// Opens `url`. Returns whether something was started; the person may still have to go there by hand.
pub(crate) fn open(url: &str) -> bool {
    webbrowser::open(url).is_ok()
}

fn is_text_browser(command: &str) -> bool {
    command
        .split_ascii_whitespace()
        .next()
        .and_then(|program| Path::new(program).file_name()?.to_str())
        .is_some_and(|name| TEXT_BROWSERS.contains(&name))
}

fn is_wsl() -> bool {
    cfg!(target_os = "linux") && Path::new("/proc/sys/fs/binfmt_misc/WSLInterop").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_browsers_that_need_the_terminal() {
        assert!(is_text_browser("/usr/bin/lynx -accept_all_cookies %s"));
        assert!(is_text_browser("w3m"));
        assert!(!is_text_browser("firefox --new-window %s"));
        assert!(!is_text_browser(""));
    }
}
