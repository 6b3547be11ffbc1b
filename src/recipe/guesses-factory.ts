import type { Guesses } from './guesses.ts';

/** What people write into a factory who come from CI systems, cron and queues. */
export const factoryGuesses: Guesses = {
  elsewhere: {
    name: 'factory title id',
    recipes: 'recipe images image builds build entries files paths',
    'recipes[].recipe': 'path file src source',
    'recipes[].vars': 'set variable variables params parameters with values env',
    'recipes[].out': 'output outDir directory folder dest destination',
    'recipes[].labels': 'tags runsOn nodes hosts host runner',
    'recipes[].schedule': 'cron when at every interval',
    'recipes[].rebuildAfter': 'maxAge age expires ttl',
    'recipes[].channel': 'channels promote promoteTo',
    'recipes[].watch': 'repositories repos mirrors',
    schedule: 'cron timer at when every interval',
    'schedule.cron': 'at time expression pattern',
    'schedule.timezone': 'tz zone',
    rebuildAfter: 'maxAge age',
    channel: 'channels promote promoteTo',
    'limits.jobs': 'parallel concurrency maxJobs parallelism',
    'limits.build': 'timeout buildTimeout',
    'limits.night': 'total nightTimeout deadline',
    'limits.room': 'disk space freeSpace minFree',
    'retention.builds.keep': 'keep keepBuilds count',
    'retention.builds.days': 'days keepDays age',
    'retention.checkpoints': 'cache cacheSize size',
    report: 'reports pages html',
    notify: 'notifications notification alerts',
    'notify[].run': 'script command hook exec program',
    'notify[].when': 'on if trigger',
  },
  instead: [
    {
      at: 'recipes[]',
      words: 'family distribution release disk machine packages customize',
      remedy: 'a recipe is a file of its own: write recipe: PATH',
    },
    {
      at: 'recipes[]',
      words: 'name id title',
      remedy: 'an entry is called by the name of its image, which its recipe says: leave it out',
    },
    {
      at: 'recipes[]',
      words: 'depends dependsOn needs after requires base',
      remedy: 'an image comes after the one that the source of its recipe names: leave it out',
    },
    {
      at: 'recipes[]',
      words: 'enabled disabled skip active ignore',
      remedy: 'every entry is built: put a # before its lines',
    },
    {
      at: 'recipes[]',
      words: 'upload target targets publish',
      remedy: 'its recipe says where the image goes: leave it out, or write out: FOLDER',
    },
    {
      at: 'notify[]',
      words: 'webhook url slack teams http https post',
      remedy: 'write run: webhook.mjs, with VMKILN_WEBHOOK_URL in the environment of the night',
    },
    {
      at: 'notify[]',
      words: 'mail email to address sendmail',
      remedy: 'write run: notify.mjs, with VMKILN_NOTIFY_COMMAND in the environment of the night',
    },
    {
      at: 'notify[]',
      words: 'env environment secret token',
      remedy: 'it has the environment of the night: leave it out',
    },
    {
      at: 'retention',
      words: 'images image versions',
      remedy: 'the targets of the recipes retire images: leave it out',
    },
    {
      at: '',
      words: 'queue redis postgres broker workers hosts nodes runners',
      remedy: 'each host runs vmkiln factory worker --queue URL: leave it out',
    },
    {
      at: '',
      words: 'upload out output target targets publish',
      remedy: 'the recipes say where their images go: leave it out, or write out: FOLDER in an entry of recipes',
    },
    {
      at: '',
      words: 'vars variables set',
      remedy: 'write vars in an entry of recipes: { recipe: PATH, vars: { NAME: VALUE } }',
    },
    {
      at: '',
      words: 'family distribution release source disk machine packages customize',
      remedy: 'a recipe is a file of its own: write recipes: [PATH]',
    },
    {
      at: '',
      words: 'version apiVersion kind description schemaVersion',
      remedy: 'a factory needs none: leave it out',
    },
  ],
};
