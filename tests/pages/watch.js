// What Chromium itself has to complain about while a page is used.

/**
 * Collects complaints of everything that `page` loads; `take()` hands them over and begins anew. The company's own
 * sign-in page is not ours to judge.
 */
export const watch = async (page, world) => {
  const own = new URL(world.controlPlane.url).origin;
  const complaints = [];
  let document;

  const isTheirs = (url) => world.company !== undefined && new URL(url).origin === world.company.issuer;
  const mayGo = (url) => url.origin === own || isLoopback(url) || isTheirs(url);
  page.on('request', (request) => {
    const url = new URL(request.url());
    const good = request.isNavigationRequest() ? mayGo(url) : url.origin === own;
    if (!good) complaints.push(`a request to another origin: ${url}`);
  });
  page.on('response', (response) => {
    if (response.request().isNavigationRequest()) document = response;
    else if (!response.ok()) complaints.push(`${response.status()} for ${response.url()}`);
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText;
    // Whoever goes on before a page's icon has come does not want it any more.
    if (why !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${why}`);
  });
  page.on('pageerror', (error) => complaints.push(`script error: ${error}`));
  page.on('console', (message) => {
    // Chromium notes a 4xx of the page itself; whether it is the right one is looked at elsewhere.
    const { url } = message.location();
    const isOfPage = message.text().startsWith('Failed to load resource') && url === document?.url();
    const isOurs = !isOfPage && !(url && isTheirs(url));
    if (['error', 'warning'].includes(message.type()) && isOurs) complaints.push(`console: ${message.text()}`);
  });

  const session = await page.context().newCDPSession(page);
  session.on('Audits.issueAdded', ({ issue }) => {
    if (!isTheirs(page.url())) complaints.push(`Chromium's issues: ${issue.code} ${JSON.stringify(issue.details)}`);
  });
  await session.send('Audits.enable');

  return { document: () => document, take: () => complaints.splice(0) };
};

const isLoopback = (url) => url.protocol === 'http:' && url.hostname === '127.0.0.1' && url.pathname === '/callback';

/** What the answer's headers lack. */
export const judgeHeaders = (headers) => {
  const problems = [];
  const policy = headers['content-security-policy'] ?? '';
  for (const needed of ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", 'form-action ']) {
    if (!policy.includes(needed)) problems.push(`the Content-Security-Policy lacks ${needed}: ${policy}`);
  }
  const loose = policy.match(/unsafe-\w+|\*|\bdata:|script-src|https?:(?!\/\/)/);
  if (loose) problems.push(`the Content-Security-Policy allows ${loose[0]}: ${policy}`);
  const fixed = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' };
  for (const [name, value] of Object.entries(fixed)) {
    if (headers[name] !== value) problems.push(`${name} is ${headers[name]} and not ${value}`);
  }
  return problems;
};
