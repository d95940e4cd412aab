// A real, certified OpenID Connect provider (oidc-provider) with fixed people, for the end-to-end suite.
//
//   node server.js CONFIG.json
//
// CONFIG.json: { port, clientId, clientSecret, redirectUris: [..], postLogoutRedirectUris: [..],
//                backchannelLogoutUri, accounts: { NAME: { password, claims: { email, email_verified, name, groups, .. } } } }
// Prints `ready ISSUER` when it listens. While it runs, it can be told what an administrator does:
//
//   PUT    /test/accounts/NAME/groups     these are the person's groups from now on
//   DELETE /test/accounts/NAME            the account is closed
//   DELETE /test/accounts/NAME/sessions   the person is signed out everywhere
//   DELETE /test/accounts/NAME/session    the person is signed out of one session, whichever
//   POST   /test/keys                     another signing key; the old ones stay published
//
// A sign-in is of the class `pwd`, and of `phr` (a phishing-resistant key) when that is asked for (`acr_values`): the
// person is asked again then, and shows the key by typing the password. Of a class that it does not know it gives `pwd`.
// `max_age` and `prompt=login` are obeyed.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider, { interactionPolicy } from 'oidc-provider';
import { Store } from './store.js';

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

const store = new Store();

const newKey = () => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  use: 'sig',
  alg: 'RS256',
});

const settings = {
  adapter: store.adapter(),
  // Without its guard against requests to this very machine, which is where everything is.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  clients: [
    {
      client_id: config.clientId,
      client_secret: config.clientSecret,
      redirect_uris: config.redirectUris,
      post_logout_redirect_uris: config.postLogoutRedirectUris,
      backchannel_logout_uri: config.backchannelLogoutUri,
      backchannel_logout_session_required: true,
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
  // Without consent there is no `offline_access`; refresh tokens end with the session.
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    // Its own page fetches a font from elsewhere.
    rpInitiatedLogout: { enabled: true, logoutSource: async (ctx, form) => (ctx.body = logoutPage(form)) },
    backchannelLogout: { enabled: true },
  },
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
};

// The one in force, and its keys, the newest first.
const keys = [newKey()];
let provider;
const begin = () => {
  provider = new Provider(issuer, { ...settings, jwks: { keys } });
  for (const event of ['server_error', 'backchannel.error']) provider.on(event, (_ctx, error) => console.error(error));
};
begin();

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

// Ends so many sessions of the person, and tells every client of it.
const endSessions = async (name, count) => {
  const all = [...store.of('Session')].filter(([, { accountId }]) => accountId === name);
  for (const [id, session] of all.slice(0, count)) {
    store.of('Session').delete(id);
    for (const [clientId, { sid, grantId }] of Object.entries(session.authorizations ?? {})) {
      store.revoke(grantId);
      const client = await provider.Client.find(clientId);
      await client.backchannelLogout(name, sid);
    }
  }
};

// What an administrator does.
const administer = async (request, response, [what, name, more]) => {
  const told = [request.method, what, more].filter(Boolean).join(' ');
  if (what === 'accounts' && !accounts.has(name)) return response.writeHead(404).end();
  if (told === 'PUT accounts groups') accounts.get(name).claims.groups = JSON.parse(await bodyOf(request));
  else if (told === 'DELETE accounts') accounts.delete(name);
  else if (told === 'DELETE accounts sessions') await endSessions(name);
  else if (told === 'DELETE accounts session') await endSessions(name, 1);
  else if (told === 'POST keys') {
    keys.unshift(newKey());
    begin();
  } else return response.writeHead(404).end();
  return response.writeHead(204).end();
};

const server = createServer((request, response) => {
  const [, area, ...rest] = new URL(request.url, issuer).pathname.split('/');
  const answer =
    area === 'sign-in'
      ? signIn(request, response, rest[0])
      : area === 'test'
        ? administer(request, response, rest)
        : provider.callback()(request, response);
  Promise.resolve(answer).catch((error) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
    response.end(String(error.message));
  });
});
server.listen(config.port, '127.0.0.1', () => console.log(`ready ${issuer}`));
