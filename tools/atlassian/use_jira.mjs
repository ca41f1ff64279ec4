// Drives jira.js against the emulator: node use_jira.mjs http://127.0.0.1:7002
import assert from 'node:assert/strict';
import * as jira from 'jira.js';

const config = { host: process.argv[2], authentication: { basic: { email: 'admin@demo.example', apiToken: 'demo-api-token' } } };
const make = (name) => (jira[name] ? new jira[name](config) : jira['create' + name](config));
const site = make('Version3Client');
const fields = Object.fromEntries((await site.issueFields.getFields()).map((f) => [f.name, f.id]));
const me = (await site.myself.getCurrentUser()).accountId;
const doc = (text) => ({ type: 'doc', version: 1, content: [{ type: 'paragraph', content: [{ type: 'text', text }] }] });
const issue = await site.issues.createIssue({
  fields: { project: { key: 'ACC' }, issuetype: { name: 'Access request' }, summary: 'CRM', description: doc('x'), [fields.Approver]: { accountId: me }, [fields.Risk]: { value: 'High' } },
});
await site.issueComments.addComment({ issueIdOrKey: issue.key, comment: doc('looked at') });
assert.equal((await site.issueComments.getComments({ issueIdOrKey: issue.key })).total, 1);
const edges = (await site.issues.getTransitions({ issueIdOrKey: issue.key, expand: 'transitions.fields' })).transitions;
assert.deepEqual(edges.map((e) => e.name), ['Approve', 'Approve with conditions', 'Reject']);
await site.issues.doTransition({ issueIdOrKey: issue.key, transition: { id: edges[0].id } });
const found = await site.issueSearch.searchForIssuesUsingJqlEnhancedSearchPost({ jql: 'project = ACC AND resolution = Done', fields: ['status', fields.Risk] });
assert.equal(found.issues[0].fields.status.name, 'Approved');
const log = await site.issues.getChangeLogs({ issueIdOrKey: issue.key });
assert.equal(log.values.length, 1);
const meta = await site.issues.getEditIssueMeta({ issueIdOrKey: issue.key });
assert.ok(meta.fields[fields.Risk].allowedValues.length === 3);
await site.issueRemoteLinks.createOrUpdateRemoteIssueLink({ issueIdOrKey: issue.key, globalId: 'g', object: { url: 'https://idhub.example/1', title: 'Request' } });
await site.issueProperties.setIssueProperty({ issueIdOrKey: issue.key, propertyKey: 'p', propertyValue: { x: 1 } });
await site.issues.deleteIssue({ issueIdOrKey: issue.key });
console.log('jira.js: done');
