// node http2.js URL CA_FILE HEADERS_JSON [LOCAL_ADDRESS]: one GET over HTTP/2; prints the status, or `reset` when there
// was none.
const http2 = require('node:http2');
const { readFileSync } = require('node:fs');

const [url, ca, headers, localAddress] = process.argv.slice(2);
const { origin, pathname, search } = new URL(url);
const done = (word) => {
  console.log(word);
  process.exit(0);
};
const session = http2.connect(origin, { ca: readFileSync(ca), localAddress });
session.on('error', () => done('reset'));
const stream = session.request({ ':path': pathname + search, ...JSON.parse(headers) });
stream.on('response', (answer) => done(String(answer[':status'])));
stream.on('error', () => done('reset'));
stream.on('close', () => done('reset'));
stream.end();
