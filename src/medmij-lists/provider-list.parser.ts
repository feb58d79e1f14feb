import { type ByVersionAndService, readByVersionAndService } from './interface-versions.parser';
import { type ListElement, listNamespace } from './list-document';
import type { ListParser, WholeList } from './list-parser';
import { excerpt } from './list-refused';
import { baseEndpoint, endpoint, positiveInteger } from './list-values';

/** What a provider offers for one service under one interface version. */
export interface Offering {
  authorizationEndpoint: string;
  tokenEndpoint: string;
  /** Only where subscriptions are offered (`Abonneren`); maximum in days. */
  subscriptions?: { maximumDays: number; subscriptionEndpoint: string };
  /** Hosts of the endpoints above, in lower case: they tell whether it is us who open this up. */
  hosts: readonly string[];
}

/** A care provider; `name` comes without `@medmij`. */
export interface Provider {
  name: string;
  offerings: ByVersionAndService<Offering>;
}

/** The provider list, by provider name without `@medmij`. */
export type ProviderList = WholeList<Provider>;

/** 10 to 57 characters with the suffix (domain.md 1). Names that no scope can spell are kept: nobody can ask for them. */
const providerNamePattern = /^([^\s@]{3,50})@medmij$/;

/** Zorgaanbiederslijst release 3 (domain.md 9). */
export const providerListParser: ListParser<Provider> = {
  root: 'Zorgaanbiederslijst',
  namespaces: [listNamespace('zorgaanbiederslijst', 3)],
  container: 'Zorgaanbieders',
  entry: 'Zorgaanbieder',
  read(element) {
    const keyElement = element.one('Zorgaanbiedernaam');
    const name = readName(keyElement);
    return { key: name, value: { name, offerings: readByVersionAndService(element, readOffering) }, keyElement };
  },
};

function readName(element: ListElement): string {
  const text = element.text();
  return providerNamePattern.exec(text)?.[1] ?? element.refuse(`${excerpt(text)} is not a provider name`);
}

function readOffering(service: ListElement): Offering {
  const authorization = endpoint(service.one('AuthorizationEndpoint').one('AuthorizationEndpointuri'));
  const token = endpoint(service.one('TokenEndpoint').one('TokenEndpointuri'));
  const subscribing = service.optional('Abonneren');
  const subscription = subscribing && {
    maximumDays: positiveInteger(subscribing.one('MaximaleDuur')),
    endpoint: baseEndpoint(subscribing.one('SubscriptionEndpointuri')),
  };
  return {
    authorizationEndpoint: authorization.uri,
    tokenEndpoint: token.uri,
    ...(subscription && {
      subscriptions: { maximumDays: subscription.maximumDays, subscriptionEndpoint: subscription.endpoint.uri },
    }),
    hosts: [authorization.host, token.host, ...(subscription ? [subscription.endpoint.host] : [])],
  };
}
