import type { NodeId } from '#shared/units.ts';
import { nodeIdBytes } from '#shared/units.ts';

const first = (
  'amber ashen azure bold brisk broad calm candid clear coral crisp dapper deft dry dusky early fair fallow fleet frosty ' +
  'gentle gilded glad golden grand green hardy hazel hollow humble idle ivory jade keen kind late level light lively ' +
  'lone lucid lunar mellow mild misty mossy muted neat nimble noble north ochre olive opal pale patient plain proud ' +
  'quick quiet rapid ready rosy round ruby rustic sable sandy serene shy silent silver slow small smooth snowy soft ' +
  'solar south spare spry stark steady still stout sunny sure swift tall tawny teal tender tidy tiny trim true umber ' +
  'upper vast velvet vivid warm wary west white wide wild wise young'
).split(' ');

const second = (
  'acorn alder anchor arbor aspen badger barley basin bay beacon birch bluff brook canyon cedar cliff clover cobble comet ' +
  'copper cove crane creek crow current delta dove drift dune eagle elder elm ember falcon fern field finch fjord flint ' +
  'forest fox garnet glade glen grove gull harbor hare hawk heath heron hill holly ibis inlet iris island ivy juniper ' +
  'kelp kestrel lake lantern larch lark laurel lichen linden lotus lynx maple marsh meadow mesa mill mint moor moss ' +
  'nettle oak orchard osprey otter owl pebble pine plover pond poplar prairie quartz quill rain raven reed reef ridge ' +
  'river robin rowan sage shore slate sparrow spring spruce stone stream swan tern thistle thrush tide vale willow wren'
).split(' ');

/** A name to tell nodes apart by. It follows from the id and proves nothing: two nodes may share one. */
export const nodeName = (id: NodeId): string => {
  const [a = 0, b = 0, c = 0, d = 0] = nodeIdBytes(id);
  return `${first[((a << 8) | b) % first.length] ?? ''}-${second[((c << 8) | d) % second.length] ?? ''}`;
};
