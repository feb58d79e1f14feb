/** MAY THIS BE ASKED: the checks of domain.md 2 that hold at every door (pure). */
export {
  type AskedAuthorization,
  type Check,
  checkAuthorization,
  checks,
  type Facts,
  gatherFacts,
  opensSubscriptions,
  refuseUnless,
  type Terms,
  termsOf,
} from './checks';
export { formatScope, parseScope, type SubscribeScope } from './scope';
