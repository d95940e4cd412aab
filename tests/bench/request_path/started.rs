//! A variant that runs, and requests through it.

use anyhow::{Context as _, Result, ensure};
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use kubegate_tests::envoy::Envoy;
use kubegate_tests::issuer::Issuer;
use kubegate_tests::process::Running;

use super::Effort;
use super::filters::Filters;
use super::gateway::Surroundings;
use super::load::{Get, LANES, Load};
use super::peers::ECHO;
use super::pin::Processors;
use super::variant::{Ask, Variant};
use crate::company::Subject;
use crate::{cpu, memory};

/// What one round says about one variant.
pub(super) struct Sample {
    /// Processor microseconds of all processes in the path, of one of the requests in all lanes.
    pub(super) cpu: f64,
    /// Requests a second, in all lanes together.
    pub(super) rate: f64,
    /// Microseconds of each request, one after the other.
    pub(super) alone: Vec<f64>,
    /// Microseconds of each request in all lanes.
    pub(super) together: Vec<f64>,
}

/// An Envoy, and connections to it.
pub(super) struct Started<'a> {
    variant: Variant,
    load: Load,
    issuer: &'a Issuer,
    request: Get,
    /// How many tokens were minted so far.
    minted: usize,
    /// All that is in the path.
    pids: Vec<u32>,
    /// Stopped on drop.
    _envoy: Envoy,
}

impl<'a> Started<'a> {
    /// Starts Envoy, connects, and sees that it does what is to be measured.
    pub(super) async fn start(
        variant: Variant,
        around: &'a Surroundings,
        service: &Running,
        processors: Option<&Processors>,
    ) -> Result<Self> {
        let Variant { name, filters, ask, protocol } = variant;
        let (envoy, port) = around.start(name, filters)?;
        let mut pids = vec![envoy.id()];
        if matches!(filters, Filters::ExtAuthz) {
            pids.push(service.id());
        }
        for &pid in &pids {
            processors.map_or(Ok(()), |processors| processors.bind_measured(pid))?;
        }
        let mut headers = Subject::headers(&ask.token(&around.issuer, "the-same-each-time")?).to_vec();
        headers.retain(|(name, _)| ask != Ask::Unauthenticated || *name != "authorization");
        let request = protocol.get(ask.path(), &headers)?;
        let load = Load::connect(&around.pki.ca, port, protocol).await?;
        let mut started = Self { variant, load, issuer: &around.issuer, request, minted: 0, pids, _envoy: envoy };
        started.check().await.with_context(|| format!("{name} does not what it should"))?;
        Ok(started)
    }

    /// What the upstream gets is what this variant has to pass on, and the client's own claims to be somebody are not.
    async fn check(&mut self) -> Result<()> {
        let mut request = self.request.clone();
        request.headers_mut().insert(ECHO, HeaderValue::from_static("1"));
        if !matches!(self.variant.filters, Filters::Kubegate { .. }) {
            // Ours takes it for `kubectl --as`.
            request.headers_mut().insert(HeaderName::from_static("impersonate-uid"), HeaderValue::from_static("0"));
        }
        let (status, seen) = self.load.ask(request).await?;
        ensure!(status == self.variant.ask.status(), "the answer is {status}: {seen}");
        let count = |line: &str| seen.lines().filter(|seen| seen.starts_with(line)).count();
        let user = format!("impersonate-user: {}", Subject::USER);
        let strips = !matches!(self.variant.filters, Filters::None | Filters::Noop | Filters::ExtAuthz);
        ensure!(status != 200 || count("impersonate-uid") == usize::from(!strips), "the upstream saw {seen}");
        let groups = match (self.variant.filters, self.variant.ask) {
            (Filters::Native { .. }, _) => 1,
            (Filters::Kubegate { .. }, Ask::FiftyGroups) => 51,
            (Filters::Kubegate { .. }, Ask::Allowed | Ask::NewToken) => Subject::GROUPS.len() + 1,
            _ => return Ok(()),
        };
        ensure!(count(&user) == 1 && count("impersonate-group") == groups, "the upstream saw {seen}");
        Ok(())
    }

    /// One round.
    pub(super) async fn measure(&mut self, effort: Effort) -> Result<Sample> {
        let status = self.variant.ask.status();
        // The first requests after a while find cold caches.
        let first = self.requests(LANES, effort.in_each_lane.div_ceil(8))?;
        let together = self.requests(LANES, effort.in_each_lane)?;
        let alone = self.requests(1, effort.alone)?;
        self.load.run(first, status).await?;
        let before = self.processor_time()?;
        let together = self.load.run(together, status).await?;
        let cpu = self.processor_time()? - before;
        let count = together.latencies.len() as f64;
        let alone = self.load.run(alone, status).await?;
        Ok(Sample {
            cpu: cpu / count,
            rate: count / together.took.as_secs_f64(),
            alone: alone.latencies,
            together: together.latencies,
        })
    }

    /// Memory of all processes in the path, in bytes.
    pub(super) fn memory(&self) -> Result<u64> {
        self.pids.iter().map(|pid| memory::resident(*pid)).sum()
    }

    fn requests(&mut self, lanes: usize, each: usize) -> Result<Vec<Vec<Get>>> {
        (0..lanes).map(|_| (0..each).map(|_| self.next()).collect()).collect()
    }

    fn next(&mut self) -> Result<Get> {
        let mut request = self.request.clone();
        if self.variant.ask == Ask::NewToken {
            self.minted += 1;
            let token = self.variant.ask.token(self.issuer, &format!("new-{}", self.minted))?;
            request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").try_into()?);
        }
        Ok(request)
    }

    /// Microseconds so far.
    fn processor_time(&self) -> Result<f64> {
        self.pids.iter().map(|pid| Ok(cpu::process(*pid)?.as_secs_f64() * 1e6)).sum()
    }
}
