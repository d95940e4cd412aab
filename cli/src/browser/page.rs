//! The tiny pages that the browser shows at the end of a sign-in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem;\
color:#1c2430;background:#fbfbfa}h1{font-size:1.5rem}@media(prefers-color-scheme:dark){body{color:#e6e9ee;\
background:#15181d}}";

/// A whole HTTP response with a heading and a sentence, which may come from elsewhere.
pub(super) fn response(status: &str, heading: &str, sentence: &str) -> String {
    let (heading, sentence) = (escape(heading), escape(sentence));
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{heading} – Kubegate</title><style>{STYLE}</style></head>\
         <body><main><h1>{heading}</h1><p>{sentence}</p></main></body></html>\n"
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
        let page = response("400 Bad Request", "No", "<script>alert('1')</script>");
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)"));
        assert!(!page.contains("<script"));
        assert!(page.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    }
}
