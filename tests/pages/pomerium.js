// pomerium.js WORLD.json: signs in for pomerium-cli by keyboard, without scripts, at each of `urls`; the last page hands
// the token to the one that waits. Then once more with scripts, for axe in every look.
import { readFileSync } from 'node:fs';
import { launch } from './chromium.js';
import { follow, signIn, tabTo } from './keyboard.js';
import { judgeLooks } from './looks.js';
import { judgeHeaders } from './watch.js';

const world = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const THANKS = 'login complete, you may close this page';

/** Throws when there is something wrong with a page of ours. */
const judge = async (name, response, page, withScripts) => {
  const problems = judgeHeaders(await response.allHeaders());
  if (withScripts) problems.push(...(await judgeLooks(page)));
  if (problems.length > 0) throw new Error(`${name}: ${problems.join('\n')}`);
  console.log(`ok   ${name}`);
};

/** Sends the one form of the last page, and insists that it comes to where it is waited for. */
const handOver = async (page, response, withScripts) => {
  await judge('hand over', response, page, withScripts);
  const form = page.locator('main form');
  const { origin } = new URL(await form.getAttribute('action'));
  const policy = (await response.allHeaders())['content-security-policy'];
  if (!policy.includes(`form-action ${origin};`)) throw new Error(`a form may lead elsewhere than ${origin}: ${policy}`);
  await tabTo(page, 'main form button');
  const loaded = page.waitForEvent('load');
  await page.keyboard.press('Enter');
  await loaded;
  const text = await page.locator('body').textContent();
  if (text.trim() !== THANKS) throw new Error(`${new URL(page.url()).origin} says ${text}`);
};

/** The answer that a page came with. */
const answers = (page) => {
  let last;
  page.on('response', (response) => {
    if (response.request().isNavigationRequest()) last = response;
  });
  return () => last;
};

const browser = await launch(world);
try {
  const [first, second, third] = world.urls;
  for (const [withScripts, urls] of [[false, [first, second]], [true, [third]]]) {
    const context = await browser.newContext({ javaScriptEnabled: withScripts });
    const page = await context.newPage();
    const answer = answers(page);
    await page.goto(urls[0]);
    if (withScripts) {
      // Somebody who was signed in before is asked first.
      await page.goto(new URL('/login', world.controlPlane.url).href);
      await signIn(page, world.account);
      await page.goto(urls[0]);
      await judge('consent', answer(), page, withScripts);
      await follow(page, 'button[value=allow]');
    } else {
      await signIn(page, world.account);
    }
    await handOver(page, answer(), withScripts);
    if (urls[1]) {
      await page.goto(urls[1]);
      await judge('consent', answer(), page, withScripts);
      await follow(page, 'button[value=allow]');
      await handOver(page, answer(), withScripts);
    }
    await context.close();
  }
} finally {
  await browser.close();
}
