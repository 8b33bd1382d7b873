// Judges signed requests by Slack's own framework, @slack/bolt of npm.
//
//   node judge.js NODE_MODULES SIGNING_SECRET
//
// Writes the port that it listens at, on 127.0.0.1, and answers each request 200
// or 401. It asks nobody.
'use strict';
const path = require('path');
const http = require('http');
const [modules, signingSecret] = process.argv.slice(2);
const { HTTPModuleFunctions } = require(path.join(modules, '@slack/bolt'));

http.createServer(async (request, response) => {
  try {
    await HTTPModuleFunctions.parseAndVerifyHTTPRequest({ enabled: true, signingSecret }, request, response);
    response.writeHead(200).end();
  } catch (error) {
    response.writeHead(401).end(String(error.message));
  }
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
