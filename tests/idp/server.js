// A real, certified OpenID Connect provider (oidc-provider) with fixed people, for the end-to-end suite.
//
//   node server.js CONFIG.json
//
// CONFIG.json: { port, clientId, clientSecret, redirectUris: [..], postLogoutRedirectUris?: [..], backchannelLogoutUri?,
//                accounts: { NAME: { password, claims: { email, email_verified, name, groups, .. } } } }
// Prints `ready ISSUER` when it listens. While it runs, as a directory would: `PUT /test/accounts/NAME` replaces a
// person's claims, `DELETE /test/accounts/NAME` takes the person out, and `POST /test/logout/NAME` ends the newest session
// of one and tells the client so (back-channel logout).
//
// A sign-in is of the class `pwd`, and of `phr` (a phishing-resistant key) when that is asked for (`acr_values`): the
// person is asked again then, and shows the key by typing the password. Of a class that it does not know it gives `pwd`.
// `max_age` and `prompt=login` are obeyed.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider, { interactionPolicy } from 'oidc-provider';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const issuer = `http://127.0.0.1:${config.port}`;
const accounts = new Map(Object.entries(config.accounts));

const findAccount = async (_ctx, sub) =>
  accounts.has(sub) ? { accountId: sub, claims: async () => ({ sub, ...accounts.get(sub).claims }) } : undefined;

// How a sign-in of each class is made.
const CLASSES = new Map([['pwd', ['pwd']], ['phr', ['hwk', 'pin']]]);

const asked = (params) => params.acr_values?.split(' ') ?? [];

const policy = interactionPolicy.base();
policy.get('login').checks.add(
  new interactionPolicy.Check('acr', 'the sign-in is not of a class that was asked for', 'login_required', ({ oidc }) => {
    const enough = asked(oidc.params).length === 0 || asked(oidc.params).includes(oidc.session.acr);
    // Who has just signed in did what they can.
    return !enough && !oidc.result?.login;
  }),
);

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: config.clientId,
      client_secret: config.clientSecret,
      redirect_uris: config.redirectUris,
      post_logout_redirect_uris: config.postLogoutRedirectUris ?? [],
      ...(config.backchannelLogoutUri && {
        backchannel_logout_uri: config.backchannelLogoutUri,
        backchannel_logout_session_required: true,
      }),
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
  ],
  findAccount,
  claims: {
    // What a sign-in was like stands in every ID token.
    openid: ['sub', 'acr', 'amr', 'auth_time'],
    profile: ['name', 'preferred_username'],
    email: ['email', 'email_verified'],
    groups: ['groups', 'department'],
  },
  acrValues: [...CLASSES.keys()],
  scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
  // Claims go into the ID token too, as most companies' providers have it.
  conformIdTokenClaims: false,
  // Without consent there is no offline_access; its refresh tokens end with the session.
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    // Its own page fetches a font from elsewhere.
    rpInitiatedLogout: { enabled: true, logoutSource: async (ctx, form) => (ctx.body = logoutPage(form)) },
    backchannelLogout: { enabled: true },
  },
  // Its own refuses to ask loopback addresses.
  fetch: (url, { dispatcher: _guard, ...options }) => fetch(url, options),
  interactions: { policy, url: (_ctx, interaction) => `/sign-in/${interaction.uid}` },
  // The company's own client: its people are not asked for consent.
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope('openid profile email groups offline_access');
    await grant.save();
    return grant;
  },
  cookies: { keys: ['for tests only'] },
  ttl: { AccessToken: 600, IdToken: 600, Session: 3600, Interaction: 600, Grant: 3600, RefreshToken: 3600 },
});

const page = (uid, note) => `<!doctype html><html lang="en"><title>Example company sign-in</title>
<h1>Example company sign-in</h1>${note ? `<p role="alert">${note}</p>` : ''}
<form method="post" action="/sign-in/${uid}">
<label>User <input name="username" autofocus></label>
<label>Password <input name="password" type="password"></label>
<button name="decision" value="sign-in">Sign in</button></form></html>`;

const logoutPage = (form) => `<!doctype html><html lang="en"><title>Example company sign-out</title>
<h1>Example company sign-out</h1>${form}
<button form="op.logoutForm" name="logout" value="yes">Sign out</button></html>`;

const bodyOf = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};

const signIn = async (request, response, uid) => {
  const html = (status, text) =>
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(text);
  const { params } = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') return html(200, page(uid));
  const form = new URLSearchParams(await bodyOf(request));
  const name = form.get('username');
  if (!accounts.has(name) || accounts.get(name).password !== form.get('password')) {
    return html(401, page(uid, 'Unknown user or wrong password.'));
  }
  const acr = asked(params).find((one) => CLASSES.has(one)) ?? 'pwd';
  await provider.interactionFinished(
    request,
    response,
    { login: { accountId: name, amr: CLASSES.get(acr), acr } },
    { mergeWithLastSubmission: false },
  );
};

const replaceClaims = async (request, response, name) => {
  if (request.method !== 'PUT' || !accounts.has(name)) return response.writeHead(404).end();
  accounts.get(name).claims = JSON.parse(await bodyOf(request));
  response.writeHead(204).end();
};

// The newest session of each person, by the name that the client knows it by.
const sessions = new Map();
provider.on('authorization.success', (ctx) => {
  const { session, client } = ctx.oidc;
  sessions.set(session.accountId, session.sidFor(client.clientId));
});
provider.on('backchannel.error', (_ctx, error) => console.error(error));

const takeOut = (response, name) => {
  accounts.delete(name);
  response.writeHead(204).end();
};

const logOut = async (response, name) => {
  const client = await provider.Client.find(config.clientId);
  await client.backchannelLogout(name, sessions.get(name));
  response.writeHead(204).end();
};

const handle = provider.callback();
const server = createServer((request, response) => {
  const [, area, name, last] = new URL(request.url, issuer).pathname.split('/');
  const answer =
    area === 'sign-in'
      ? signIn(request, response, name)
      : area === 'test' && name === 'accounts'
        ? request.method === 'DELETE'
          ? takeOut(response, last)
          : replaceClaims(request, response, last)
        : area === 'test' && name === 'logout'
          ? logOut(response, last)
          : handle(request, response);
  Promise.resolve(answer).catch((error) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
    response.end(String(error.message));
  });
});
provider.on('server_error', (_ctx, error) => console.error(error));
server.listen(config.port, '127.0.0.1', () => console.log(`ready ${issuer}`));
