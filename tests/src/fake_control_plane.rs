//! A control plane that answers gateways with whatever a test wants, and counts what they ask.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::poll;

/// How long it holds a poll of a gateway that has the newest: less than a filter asks for.
const HOLD: Duration = Duration::from_secs(20);

/// Between two bytes of a [`Reply::Drip`].
const DRIP: Duration = Duration::from_millis(50);

/// What it answers with.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A bundle: at once to a gateway that does not have the entity tag, else when there is another reply.
    Bundle {
        /// The entity tag, quotes included.
        etag: String,
        /// The documents.
        text: String,
    },
    /// These bytes, HTTP or not, and the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, and then one more at a time, until there is another reply.
    Drip(Vec<u8>),
}

/// The running control plane.
#[derive(Debug)]
pub struct FakeControlPlane {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    reply: Reply,
    /// Counts the replies that were set.
    number: u64,
    /// How often this reply was begun.
    given: usize,
}

impl FakeControlPlane {
    /// Starts it with its first reply.
    pub fn start(reply: Reply) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Mutex::new(State { reply, number: 0, given: 0 });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                // Who hangs up, hangs up.
                thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Ok(Self { port, shared })
    }

    /// From now on it answers with something else.
    pub fn reply(&self, reply: Reply) {
        let mut state = self.shared.lock();
        *state = State { reply, number: state.number + 1, given: 0 };
        self.shared.changed.notify_all();
    }

    /// Waits until it has answered so with its present reply at least `times` times.
    pub fn until_given(&self, times: usize, limit: Duration) -> Result<()> {
        poll::until(&format!("{times} answers"), limit, || {
            let given = self.shared.lock().given;
            if given >= times { Ok(()) } else { Err(format!("{given}")) }
        })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) -> Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?);
        while let Some(held) = read_request(&mut lines)? {
            let (reply, number) = self.next(&held);
            match reply {
                Reply::Bundle { etag, .. } if etag == held => {
                    write!(stream, "HTTP/1.1 304 Not Modified\r\netag: {etag}\r\n\r\n")?;
                }
                Reply::Bundle { etag, text } => {
                    let length = text.len();
                    write!(stream, "HTTP/1.1 200 OK\r\netag: {etag}\r\ncontent-length: {length}\r\n\r\n{text}")?;
                }
                Reply::Bytes(bytes) => return Ok(stream.write_all(&bytes)?),
                Reply::Drip(bytes) => {
                    stream.write_all(&bytes)?;
                    while self.lock().number == number {
                        stream.write_all(b"x")?;
                        thread::sleep(DRIP);
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The reply for a gateway that has `held`, and its number.
    fn next(&self, held: &str) -> (Reply, u64) {
        let state = self.lock();
        let has_it = |state: &mut State| matches!(&state.reply, Reply::Bundle { etag, .. } if etag == held);
        let (mut state, _) =
            self.changed.wait_timeout_while(state, HOLD, has_it).unwrap_or_else(PoisonError::into_inner);
        state.given += 1;
        (state.reply.clone(), state.number)
    }
}

/// Reads a request without a body and gives its `If-None-Match`; nothing at the connection's end.
fn read_request(lines: &mut BufReader<TcpStream>) -> Result<Option<String>> {
    let mut held = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(": ") {
            None if line.trim_end().is_empty() => return Ok(Some(held)),
            Some((name, value)) if name.eq_ignore_ascii_case("if-none-match") => value.clone_into(&mut held),
            _ => {}
        }
    }
}
