/**
 * A group of endpoints is called by what its labels have in common, or else by names: a table over nine
 * endpoints.
 */
import test from 'ava';
import { describeEndpoints } from '../../src/verify/describe-endpoints.js';
import { EndpointIndex } from '../../src/verify/endpoint-index.js';
import { networkFrom } from '../../src/verify/network.js';
import { workload } from '../helpers/build-resources.js';

const LABELS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'web-1': { app: 'shop', role: 'web', env: 'prod' },
  'web-2': { app: 'shop', role: 'web', env: 'test' },
  'api-1': { app: 'shop', role: 'api', env: 'prod' },
  'api-2': { app: 'shop', role: 'api', env: 'test' },
  'db-1': { app: 'shop', role: 'db', env: 'prod' },
  'db-2': { app: 'shop', role: 'db', env: 'test' },
  'job-1': { app: 'jobs', env: 'prod' },
  'job-2': { app: 'jobs', env: 'prod' },
  plain: {},
};
const { endpoints } = networkFrom(
  Object.entries(LABELS).map(([name, labels], number) =>
    workload(name, { addresses: [`10.0.0.${number + 1}`], labels }),
  ),
);
const INDEX = new EndpointIndex(endpoints);

const tells = test.macro({
  exec(t, names: string, text: string, selector: string | undefined = text) {
    const members = endpoints.filter(({ name }) => names.split(' ').includes(name));
    t.is(members.length, names.split(' ').length);
    const told = describeEndpoints(members, INDEX);
    t.is(told.text, text);
    t.is(told.selector, selector === '' ? undefined : selector);
  },
  title: (_, names, text) => `describeEndpoints() calls ${names} ${text}`,
});

test(tells, Object.keys(LABELS).join(' '), 'all endpoints', 'all()');
test(tells, 'db-2', 'db-2', '');
test(tells, 'web-1 web-2', "role == 'web'");
test(tells, 'web-1 api-1 db-1', "env == 'prod' && app == 'shop'");
test(tells, 'api-1 api-2 db-1 db-2', "role in {'api', 'db'}");
test(tells, 'web-1 api-1', "env == 'prod' && role in {'api', 'web'}");
test(tells, 'web-1 web-2 api-1 api-2 job-1 job-2 plain', "role != 'db'");
test(tells, 'web-1 web-2 api-1 api-2 db-1 job-1 job-2 plain', 'all endpoints but db-2', '');
test(tells, 'web-1 web-2 job-1 job-2', "app == 'jobs' or role == 'web'", '');
test(tells, 'web-1 web-2 job-1 plain', "role == 'web', job-1, plain", '');
test(tells, 'web-1 api-2 job-1 plain', 'api-2, job-1, plain and 1 more', '');
