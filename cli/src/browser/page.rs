//! The pages that the browser shows at the end of a sign-in, in the look of the control plane's own. They are whole in
//! themselves, for nothing listens here any more when a browser would ask for the rest.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The control plane's style sheet, so that both look the same.
const STYLE: &str = include_str!("../../../control-plane/assets/kubegate.css");

/// The sign above the card.
const SIGN: &str = "<svg aria-hidden=\"true\" viewBox=\"0 0 32 32\" width=\"28\" height=\"28\">\
<path d=\"M16 2 28 8v9c0 7-5 11-12 13C9 28 4 24 4 17V8z\" class=\"shield\"/>\
<path d=\"M11 22v-7a5 5 0 0 1 10 0v7M16 10v12M11 17h10\" class=\"gate\"/></svg>";

/// What a page tells the person. Words from elsewhere are escaped.
#[derive(Debug)]
pub(crate) enum Page {
    /// The terminal has a session now.
    SignedIn {
        /// Whose.
        user: Option<String>,
    },
    /// The person said no.
    Cancelled,
    /// The sign-in does not show what was asked for.
    NotEnough {
        /// What was asked for, and what came.
        why: String,
    },
    /// Something else went wrong.
    Failed {
        /// What, and what to do.
        why: String,
    },
    /// The answer had come before.
    AlreadyDone,
    /// An answer to another sign-in, or to none.
    Stranger,
    /// No answer at all.
    Nothing {
        /// The HTTP status that says so.
        status: &'static str,
    },
}

impl Page {
    /// The whole HTTP response.
    pub(super) fn response(&self) -> String {
        let (status, heading, text) = self.content();
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{heading} · Kubegate</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n\
             <header><span class=\"brand\">{SIGN}<span>Kubegate</span></span></header>\n\
             <main id=\"main\">\n<h1>{heading}</h1>\n{text}\n</main>\n\
             <footer><p>Kubernetes access with your company sign-in</p></footer>\n</body>\n</html>\n"
        );
        let style_hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        format!(
            "HTTP/1.1 {status}\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Length: {}\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'sha256-{style_hash}'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'\r\n\
             Referrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Cache-Control: no-store\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        )
    }

    /// Status, heading, and what stands below it.
    fn content(&self) -> (&'static str, &'static str, String) {
        match self {
            Self::SignedIn { user } => ("200 OK", "You are signed in", signed_in(user.as_deref())),
            Self::Cancelled => (
                "200 OK",
                "Sign-in cancelled",
                with_remedy(
                    "You chose not to go on, so the command line was given nothing, and everything is as it was.",
                    "Close this page. To sign in after all, run <code>kubegate login</code> in the terminal.",
                ),
            ),
            Self::NotEnough { why } => (
                "403 Forbidden",
                "This sign-in is not enough",
                with_remedy(
                    &format!("Kubegate cannot go on: {}.", escape(why)),
                    "Run the command again, and sign in another way that your identity provider offers. If it has none, ask \
                     whoever runs Kubegate. Until then everything stays as it was.",
                ),
            ),
            Self::Failed { why } => (
                "400 Bad Request",
                "Not signed in",
                format!(
                    "<div class=\"notice bad\"><p>{}</p></div>\n<p>The terminal says the same. You can close this page.</p>",
                    escape(why)
                ),
            ),
            Self::AlreadyDone => (
                "409 Conflict",
                "Already done",
                "<p class=\"lead\">This sign-in has been answered already. You can close this page.</p>".to_owned(),
            ),
            Self::Stranger => (
                "400 Bad Request",
                "Not this sign-in",
                with_remedy(
                    "This answer does not belong to the sign-in that is waiting in the terminal.",
                    "Use the address that <code>kubegate</code> printed there.",
                ),
            ),
            Self::Nothing { status } => {
                (status, "Nothing here", "<p class=\"lead\">Kubegate waits here for a sign-in.</p>".to_owned())
            }
        }
    }
}

fn signed_in(user: Option<&str>) -> String {
    let who = user.map(|user| format!("<p class=\"lead\">as <strong>{}</strong></p>\n", escape(user)));
    format!(
        "{}<div class=\"notice good\"><p>Go back to the terminal; <code>kubectl</code> works there now. You can close this \
         page.</p></div>",
        who.unwrap_or_default()
    )
}

fn with_remedy(what: &str, remedy: &str) -> String {
    format!("<p class=\"lead\">{what}</p>\n<h2>What you can do</h2>\n<p>{remedy}</p>")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_comes_from_elsewhere() {
        let hostile = "<script>alert('1')</script>";
        let pages = [
            Page::SignedIn { user: Some(hostile.into()) },
            Page::NotEnough { why: hostile.into() },
            Page::Failed { why: hostile.into() },
        ];
        for page in pages {
            let response = page.response();
            assert!(response.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{page:?}");
            assert!(!response.contains("<script"), "{page:?}");
        }
    }

    #[test]
    fn looks_like_the_control_planes_pages() {
        let base = include_str!("../../../control-plane/templates/base.html");
        assert!(base.contains(SIGN), "the sign is another there");
        let page = Page::Cancelled.response();
        let messages = include_str!("../../../control-plane/messages/en.ftl");
        let footer = messages.lines().find_map(|line| line.strip_prefix("page-footer = ")).unwrap();
        assert!(page.contains(&format!("<footer><p>{footer}</p></footer>")), "{footer}");
        for class in page.split("class=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            for name in class.split(' ') {
                assert!(STYLE.contains(&format!(".{name}")), "the style sheet knows no {name}");
            }
        }
    }

    #[test]
    fn needs_nothing_from_elsewhere() {
        let response = Page::SignedIn { user: None }.response();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("Content-Security-Policy: default-src 'none'; style-src 'sha256-"), "{head}");
        assert!(!body.contains("src=") && !body.contains("href=") && !body.contains("url("), "{body}");
        assert!(!body.contains("style=") && !body.contains("onclick"), "{body}");
    }
}
