//! The person's browser: whether there is one, how it opens, and how it comes back.

pub(crate) mod callback;
pub(crate) mod page;

use std::env;
use std::path::Path;

/// Browsers that need the terminal, which belongs to kubectl.
const TEXT_BROWSERS: [&str; 9] = ["lynx", "links", "links2", "elinks", "w3m", "eww", "netrik", "retawq", "curl"];

/// Why no browser can open on the screen in front of the person; `None` when one can.
///
/// `$BROWSER` speaks for itself (editors that run on another machine set it to a program that opens
/// the browser at home); else an SSH session or a missing display means no.
pub(crate) fn missing() -> Option<&'static str> {
    why_missing(|name| env::var(name).ok().filter(|value| !value.is_empty()))
}

fn why_missing(variable: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let set = |name: &str| variable(name).is_some();
    if let Some(browser) = variable("BROWSER") {
        return browser.split(':').any(is_text_browser).then_some("$BROWSER names a text browser");
    }
    if set("SSH_CONNECTION") || set("SSH_TTY") {
        return Some("this is an SSH session");
    }
    let display = cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY") || is_wsl();
    (!display).then_some("there is no display here")
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
    #[cfg(all(unix, not(target_os = "macos")))]
    fn knows_where_no_browser_opens() {
        let ssh = Some("this is an SSH session");
        for (set, expected) in [
            (&["DISPLAY=:0"][..], None),
            (&["WAYLAND_DISPLAY=wayland-0"], None),
            (&["DISPLAY="], Some("there is no display here")),
            (&["DISPLAY=:10", "SSH_CONNECTION=192.0.2.1 5 192.0.2.2 22"], ssh),
            (&["DISPLAY=:0", "SSH_TTY=/dev/pts/3"], ssh),
            (&["SSH_TTY=/dev/pts/3", "BROWSER=/opt/editor/open.sh"], None),
            (&["DISPLAY=:0", "BROWSER=w3m"], Some("$BROWSER names a text browser")),
        ] {
            let variable = |name: &str| {
                let pairs = set.iter().filter_map(|pair| pair.split_once('='));
                pairs.filter(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value.to_owned()).next()
            };
            if !is_wsl() {
                assert_eq!(why_missing(variable), expected, "{set:?}");
            }
        }
    }

    #[test]
    fn knows_browsers_that_need_the_terminal() {
        assert!(is_text_browser("/usr/bin/lynx -accept_all_cookies %s"));
        assert!(is_text_browser("w3m"));
        assert!(!is_text_browser("firefox --new-window %s"));
        assert!(!is_text_browser(""));
    }
}
