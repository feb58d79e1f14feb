/** `npm run ops -- <subcommand>`: the operator's command line without a build; its arguments are ours. */
import '../src/ops-cli';
