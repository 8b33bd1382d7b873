// Judges tokens by Microsoft's own checker, botframework-connector of npm.
//
//   node judge.js NODE_MODULES APP_ID METADATA_URL EMULATOR_METADATA_URL
//
// Reads {"header": …, "activity": {…}} a line, and writes {"accepted": …, "status":
// …, "message": …} a line. What the checker prints of its own accord goes to
// standard error. It asks nobody but the two addresses.
'use strict';
const path = require('path');
const readline = require('readline');
const [modules, appID, metadata, emulator] = process.argv.slice(2);
const connector = require(path.join(modules, 'botframework-connector'));

connector.ChannelValidation.OpenIdMetadataEndpoint = metadata;
connector.AuthenticationConstants.ToBotFromEmulatorOpenIdMetadataUrl = emulator;
const credentials = new connector.SimpleCredentialProvider(appID, '');

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { header, activity } = JSON.parse(line);
    let verdict;
    try {
      const identity = await connector.JwtTokenValidation.authenticateRequest(activity, header, credentials, '');
      verdict = { accepted: identity.isAuthenticated };
    } catch (error) {
      verdict = { accepted: false, status: error.statusCode, message: String(error.message) };
    }
    process.stdout.write(JSON.stringify(verdict) + '\n');
  }
})();
