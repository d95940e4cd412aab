// check.js WORLD.json: signs in as a person does, by keyboard, and visits every page of a running world (a demo's
// demo.json, or what the end-to-end suite writes). Once with scripts off; once with them on, for axe in every look.
import { readFileSync } from 'node:fs';
import { launch } from './chromium.js';
import { freshCache } from './command-line.js';
import { judgeLooks } from './looks.js';
import { tour } from './tour.js';
import { judgeHeaders, watch } from './watch.js';

const world = JSON.parse(readFileSync(process.argv[2], 'utf8'));

/** One person's tour; returns the number of pages with a problem. */
const visitAll = async (browser, title, options, judge) => {
  const cache = freshCache();
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const watched = await watch(page, world);
  let bad = 0;
  try {
    for await (const { name, status } of tour(page, world, cache.path)) {
      const document = watched.document();
      const problems = status === undefined ? [] : judgeHeaders(await document.allHeaders());
      if (status !== undefined && document.status() !== status) problems.push(`answered ${document.status()} and not ${status}`);
      problems.push(...(await judge(page)), ...watched.take());
      console.log(`${problems.length === 0 ? 'ok   ' : 'WRONG'} ${title}: ${name}`);
      problems.forEach((problem) => console.log(`        ${problem}`));
      bad += problems.length === 0 ? 0 : 1;
    }
  } catch (error) {
    console.log(`WRONG ${title}: stopped at ${page.url()}: ${error.message}`);
    watched.take().forEach((complaint) => console.log(`        ${complaint}`));
    bad += 1;
  } finally {
    await context.close();
    cache.forget();
  }
  return bad;
};

const browser = await launch(world);
try {
  const withoutScripts = await visitAll(browser, 'without scripts', { javaScriptEnabled: false }, async () => []);
  const everyLook = await visitAll(browser, 'every look', {}, judgeLooks);
  process.exitCode = withoutScripts + everyLook === 0 ? 0 : 1;
} finally {
  await browser.close();
}
