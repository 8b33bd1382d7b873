// A small app on Slack's own framework, @slack/bolt of npm.
//
//   node app.js NODE_MODULES API_URL BOT_TOKEN SIGNING_SECRET
//   node app.js NODE_MODULES API_URL BOT_TOKEN "" APP_TOKEN     Socket Mode
//
// Writes the port that it listens at, on 127.0.0.1, or 0, when it is ready.
'use strict';
const path = require('path');
const [modules, slackApiUrl, token, signingSecret, appToken] = process.argv.slice(2);
const { App, HTTPReceiver, SocketModeReceiver } = require(path.join(modules, '@slack/bolt'));

const clientOptions = { slackApiUrl, retryConfig: { retries: 0 } };
const logLevel = 'error';
const receiver = appToken
  // It waits for the time-out of a ping before it connects again, which is 5 s when it is left out.
  ? new SocketModeReceiver({ appToken, logLevel, clientPingTimeout: 300, installerOptions: { clientOptions } })
  : new HTTPReceiver({ signingSecret, logLevel, endpoints: ['/slack/events', '/slack/commands', '/slack/interactions'] });
const app = new App({ token, clientOptions, logLevel, receiver });

const plain = (text) => ({ type: 'plain_text', text });
const form = (block_id) => ({
  type: 'modal', callback_id: 'form', title: plain('Wie bent u?'), submit: plain('Verder'), close: plain('Sluiten'),
  blocks: [{ type: 'input', block_id, label: plain('Naam'), element: { type: 'plain_text_input', action_id: 'name' } }],
});
const begin = { type: 'actions', elements: [{ type: 'button', action_id: 'begin', text: plain('Begin'), value: 'b' }] };

app.message('reset', ({ message, say }) => say({ text: 'Hallo', blocks: [
  { type: 'section', text: { type: 'mrkdwn', text: `Hallo, u zei: ${message.text}` } }, begin] }));
app.event('app_home_opened', ({ event, client }) => client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [begin] } }));
app.command('/wachtwoord', async ({ ack, command, respond, client }) => {
  await ack();
  await respond({ text: `Kijk in uw berichten (${command.text})`, response_type: 'ephemeral' });
  const who = await client.users.info({ user: command.user_id, include_locale: true });
  const { channel } = await client.conversations.open({ users: command.user_id });
  await client.chat.postMessage({ channel: channel.id, text: `Welkom, ${who.user.locale}` });
});
app.action('begin', async ({ ack, body, client }) => {
  await ack();
  if (body.message) await client.chat.update({ channel: body.channel.id, ts: body.message.ts, text: 'Begonnen', blocks: [] });
  await client.views.open({ trigger_id: body.trigger_id, view: form('first') });
});
app.view('form', async ({ ack, body, view, client }) => {
  const [[block, fields]] = Object.entries(view.state.values);
  const name = fields.name.value;
  if (name === 'x') return ack({ response_action: 'errors', errors: { [block]: 'Wie?' } });
  if (block === 'first') return ack({ response_action: 'push', view: form('second') });
  await ack({ response_action: 'clear' });
  await client.chat.postMessage({ channel: body.user.id, text: `Dag ${name}` });
  const file = Buffer.from('a picture');
  await client.filesUploadV2({ channel_id: body.user.channel, file, filename: 'p.png', alt_text: 'plaatje' });
  await client.chat.postMessage({ channel: body.user.id, text: 'Verzonden' });
});
app.error(async (error) => { console.error(error); });

app.start(appToken ? undefined : { port: 0, host: '127.0.0.1' })
  .then((server) => console.log(appToken ? 0 : server.address().port), (error) => { console.error(error); process.exit(1); });
