import type { FastifyReply } from 'fastify';
import type { ListStore } from '../medmij-lists';
import type { Clock } from '../platform';
import { type FormTokens, type Page, sendPage } from '../screens';
import type { InteractionAddress } from './interaction-handle';
import {
  answeredPage,
  cancelPage,
  consentPage,
  formOf,
  landingPage,
  type PageSurroundings,
  partiesOf,
  refusalPage,
  terminationPage,
} from './interaction.pages';
import type { Stage } from './interactions';

/** A stage that the person sees; the others send the browser on. */
type VisibleStage = Exclude<Stage, { at: 'failure' | 'end' }> | { at: 'cancelling' };

/** Shows a person where their interaction stands. */
export class InteractionScreens {
  constructor(
    private readonly lists: ListStore,
    private readonly forms: FormTokens,
    private readonly clock: Clock,
    private readonly publicUrl: string,
  ) {}

  async show(reply: FastifyReply, address: InteractionAddress, handle: string, stage: VisibleStage): Promise<void> {
    await sendPage(reply, this.pageOf(stage, this.surroundings(reply, address, handle)));
  }

  private pageOf(stage: VisibleStage, at: PageSurroundings): Page {
    switch (stage.at) {
      case 'landing':
        return landingPage(stage.interaction, this.partiesOf(stage), at);
      case 'statement':
        return (stage.interaction.days === 0 ? terminationPage : consentPage)(
          stage.interaction,
          this.partiesOf(stage),
          at,
        );
      case 'refusal':
        return refusalPage(stage.exception, at);
      case 'cancelling':
        return cancelPage(at);
      case 'answered':
        return answeredPage();
    }
  }

  private partiesOf({ interaction }: Extract<Stage, { at: 'landing' | 'statement' }>) {
    return partiesOf(interaction, this.lists.current());
  }

  private surroundings(reply: FastifyReply, address: InteractionAddress, handle: string): PageSurroundings {
    return {
      handle,
      redirectUri: address.redirectUri,
      expiresAt: address.expiresAt,
      now: this.clock.now(),
      publicUrl: this.publicUrl,
      tokenFor: (action) => this.forms.issue(reply, formOf(action, address.interactionId)),
    };
  }
}
