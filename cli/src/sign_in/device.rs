//! Signing in without a browser (RFC 8628): the code that is shown here is typed in any browser, where the person sees who
//! asks. Meanwhile this computer asks again and again, as often as it is told to.

use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use url::Url;

use super::{Attempt, SignInError};
use crate::clock::UnixTime;
use crate::oauth::{self, DeviceAuthorization, TokenAnswer, TokenError};
use crate::output::{self, printable, say};
use crate::server::is_private;

/// It never asks less often because answers get lost.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// By how much longer to wait each time that the control plane says so (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// How often the person, and whoever waits, is told that this still goes on.
const STEP: Duration = Duration::from_millis(250);

/// What a program is told, in one line.
#[derive(Serialize)]
struct Shown<'a> {
    verification_uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<&'a str>,
    user_code: &'a str,
    expires_in: u64,
}

impl Attempt<'_> {
    /// `missing` says why there is no browser, when that is the reason to come here.
    pub(super) fn by_device(
        &self,
        missing: Option<&'static str>,
        tick: &mut dyn FnMut(),
    ) -> Result<(UnixTime, TokenAnswer), SignInError> {
        let server = self.client.server();
        let off = |detail: String| SignInError::DeviceOff { server: server.clone(), detail };
        let endpoint = self.endpoints.device_authorization.as_ref().ok_or_else(|| off(String::new()))?;
        if !self.options.is_read {
            let why = missing.unwrap_or("--device was given");
            return Err(SignInError::NotRead { server: server.clone(), why });
        }
        let wishes = self.wishes();
        let wishes: Vec<(&str, &str)> = wishes.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let begun = Instant::now();
        let device =
            oauth::begin_device(self.client, endpoint, &wishes, self.cluster).map_err(|error| match error {
                TokenError::Refused { code, detail, .. } if code == "unauthorized_client" => off(detail),
                error @ TokenError::Client(_) => SignInError::NotBegun(error),
                error => error.into(),
            })?;
        self.show(&device, missing)?;
        let expiry = begun + Duration::from_secs(device.expires_in.min(86_400));
        let waiting = Waiting { end: self.deadline.min(expiry), progress: io::stderr().is_terminal() };
        let answer = self.poll(&device, &waiting, tick);
        waiting.wipe();
        match answer? {
            Some(answer) => Ok(answer),
            None if self.deadline < expiry => Err(self.timed_out()),
            None => Err(SignInError::DeviceExpired { server: server.clone() }),
        }
    }

    /// Asks until there is an answer; `None` when time is up.
    fn poll(
        &self,
        device: &DeviceAuthorization,
        waiting: &Waiting,
        tick: &mut dyn FnMut(),
    ) -> Result<Option<(UnixTime, TokenAnswer)>, SignInError> {
        let server = || self.client.server().clone();
        let mut pace = Pace::new(Duration::from_secs(device.interval));
        while waiting.pause(pace.wait, tick) {
            let asked_at = UnixTime::now();
            match oauth::poll_device(self.client, &self.endpoints, &device.device_code, self.cluster) {
                Ok(answer) => return Ok(Some((asked_at, answer))),
                Err(TokenError::Refused { code, .. }) if code == "authorization_pending" => pace.answered(),
                Err(TokenError::Refused { code, .. }) if code == "slow_down" => pace.slow_down(),
                Err(TokenError::Refused { code, .. }) if code == "expired_token" => {
                    return Err(SignInError::DeviceExpired { server: server() });
                }
                Err(TokenError::Refused { code, .. }) if code == "access_denied" => {
                    return Err(SignInError::DeviceDenied { server: server() });
                }
                Err(TokenError::SessionEnded { ended, .. }) => {
                    return Err(SignInError::DeviceLost { server: server(), detail: ended.detail() });
                }
                Err(error) if error.is_passing() => {
                    if pace.lost() {
                        waiting.wipe();
                        say(&format!("kubegate: no answer from {} just now; still waiting", server()));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Says what to do.
    fn show(&self, device: &DeviceAuthorization, missing: Option<&str>) -> Result<(), SignInError> {
        let complete = device.verification_uri_complete.as_deref();
        for uri in [Some(device.verification_uri.as_str()), complete].into_iter().flatten() {
            if !Url::parse(uri).is_ok_and(|url| is_private(&url)) || printable(uri) != uri {
                return Err(SignInError::BadEndpoint { server: self.client.server().clone() });
            }
        }
        let (uri, code) = (&device.verification_uri, printable(&device.user_code));
        if self.options.json {
            let expires_in = device.expires_in;
            let shown =
                Shown { verification_uri: uri, verification_uri_complete: complete, user_code: &code, expires_in };
            let line = serde_json::to_string(&shown).unwrap_or_default();
            // Where nobody listens, there is still what is said below.
            let _ = output::result(&format!("{line}\n"));
        }
        let why = missing.map(|why| format!("{why}, so no browser opens. ")).unwrap_or_default();
        say(&format!(
            "kubegate: {why}To sign in, go with a browser on any device to\n\n  {uri}\n\nand type this code:\n\n  {code}\n"
        ));
        if let Some(complete) = complete {
            say(&format!("Or open the page with the code in it, and compare the code:\n\n  {complete}\n"));
        }
        if !io::stderr().is_terminal() {
            say("kubegate: waiting until you have allowed it there …");
        }
        Ok(())
    }
}

/// How often to ask.
struct Pace {
    /// As told.
    interval: Duration,
    /// The next time; longer than the interval while answers get lost.
    wait: Duration,
}

impl Pace {
    fn new(interval: Duration) -> Self {
        let interval = interval.clamp(Duration::from_secs(1), LONGEST_WAIT);
        Self { interval, wait: interval }
    }

    fn answered(&mut self) {
        self.wait = self.interval;
    }

    fn slow_down(&mut self) {
        self.interval += SLOWER;
        self.wait = self.interval;
    }

    /// No answer came: waits twice as long. Whether it is the first that got lost in a row.
    fn lost(&mut self) -> bool {
        let first = self.wait <= self.interval;
        self.wait = (self.wait * 2).min(LONGEST_WAIT.max(self.interval));
        first
    }
}

/// While the person is away.
struct Waiting {
    end: Instant,
    progress: bool,
}

impl Waiting {
    /// Waits; `false` when time is up before that.
    fn pause(&self, wait: Duration, tick: &mut dyn FnMut()) -> bool {
        let until = Instant::now() + wait;
        loop {
            tick();
            let now = Instant::now();
            if now >= self.end {
                return false;
            }
            if now >= until {
                return true;
            }
            self.tell(self.end - now);
            thread::sleep(STEP.min(until - now).min(self.end - now));
        }
    }

    fn tell(&self, left: Duration) {
        if self.progress {
            let (minutes, seconds) = (left.as_secs() / 60, left.as_secs() % 60);
            write_now(&format!("\rkubegate: waiting until you have allowed it there, {minutes}:{seconds:02} left "));
        }
    }

    /// Clears the line of the progress.
    fn wipe(&self) {
        if self.progress {
            write_now("\r\u{1b}[K");
        }
    }
}

fn write_now(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_as_often_as_it_is_told_and_less_often_while_answers_get_lost() {
        let seconds = Duration::from_secs;
        let mut pace = Pace::new(seconds(5));
        assert_eq!(pace.wait, seconds(5));
        pace.slow_down();
        pace.slow_down();
        assert_eq!(pace.wait, seconds(15), "for good");
        pace.answered();
        assert_eq!(pace.wait, seconds(15));
        assert_eq!((pace.lost(), pace.wait), (true, seconds(30)));
        assert_eq!((pace.lost(), pace.wait), (false, seconds(60)));
        assert_eq!((pace.lost(), pace.wait), (false, seconds(60)));
        pace.answered();
        assert_eq!(pace.wait, seconds(15));
        assert_eq!(Pace::new(seconds(0)).wait, seconds(1));
        assert_eq!(Pace::new(seconds(u64::MAX)).wait, LONGEST_WAIT);
    }
}
