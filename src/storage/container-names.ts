/** Names for containers whose user gave none: `adjective_noun`, as the field does it. */
import { randomBelow } from '../base/random.ts';

const adjectives = `amber bold brave breezy bright brisk calm candid cheery clever cosy crisp curious dapper daring deft
eager earnest early fair fearless fleet frosty gentle gleeful golden hardy hazel honest humble jolly keen kindly lively
loyal lucid mellow merry mighty misty modest nimble noble patient placid plucky polite quick quiet ready rosy serene silver
sincere steady sunny tidy tranquil upbeat vivid warm witty zesty`.split(/\s+/);

const nouns = `acorn anchor aspen badger beacon birch bison brook canyon cedar cliff clover comet coral crane cricket
delta dolphin dune falcon fern finch fjord fox glacier grove harbor hare hawk heron island ivy jasper juniper kestrel lagoon
lantern larch lark lynx maple marten meadow moss nebula oak ocean orchid osprey otter pebble pine prairie quartz raven reef
river robin sparrow summit swift thistle tundra walnut willow wren`.split(/\s+/);

/** With a number behind it from the third attempt on, when names seem to be running out. */
export function randomContainerName(attempt: number): string {
  const words = `${adjectives[randomBelow(adjectives.length)]}_${nouns[randomBelow(nouns.length)]}`;
  return attempt < 2 ? words : `${words}${randomBelow(10 ** Math.min(attempt, 9))}`;
}
