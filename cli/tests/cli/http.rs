//! As much HTTP as the tests need.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

/// A request as the fake control plane sees it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) bearer: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The value of a form field or a query parameter.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let query = self.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
        self.form.iter().cloned().chain(query).find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// Reads one from a connection.
    pub(crate) fn read(stream: &mut TcpStream) -> Option<Self> {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut text = Vec::new();
        let mut chunk = [0; 4096];
        let head_end = loop {
            if let Some(at) = text.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read(&mut chunk) {
                Ok(read) if read > 0 => text.extend_from_slice(&chunk[..read]),
                _ => return None,
            }
        };
        let head = String::from_utf8(text[..head_end].to_vec()).unwrap();
        let header = |wanted: &str| {
            head.lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.trim().to_owned())
        };
        let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
        while text.len() < head_end + length {
            let read = stream.read(&mut chunk).unwrap();
            assert!(read > 0, "the body broke off");
            text.extend_from_slice(&chunk[..read]);
        }
        let mut first = head.lines().next().unwrap().split(' ');
        let method = first.next().unwrap().to_owned();
        let url = Url::parse("http://fake").unwrap().join(first.next().unwrap()).unwrap();
        let form = url::form_urlencoded::parse(&text[head_end..]).into_owned().collect();
        let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
        let user_agent = header("user-agent");
        Some(Self { method, url, bearer, user_agent, form, body: text.split_off(head_end) })
    }
}

/// Gets a URL without following redirects: status line and headers, then the body.
pub(crate) fn get(url: &str) -> (String, String) {
    let url = Url::parse(url).unwrap();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    send(host, &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
}

/// Sends `request` as it is to `host`.
pub(crate) fn send(host: &str, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    (head.to_owned(), body.to_owned())
}

/// The target of a redirect.
pub(crate) fn location(head: &str) -> Option<String> {
    head.lines().find_map(|line| line.strip_prefix("Location: ")).map(str::to_owned)
}
