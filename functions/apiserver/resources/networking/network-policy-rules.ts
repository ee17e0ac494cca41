import { BlockList, isIPv6 } from 'node:net';
import { forbidden, invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  V1IPBlock,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
  V1NetworkPolicySpec,
} from '../../../../lib/schema/generated/types.js';
import { formatErrors, isPortName, isPortNumber } from '../shared/formats.js';
import { cidrErrors } from '../shared/ip-addresses.js';
import { validateLabelSelector } from '../shared/labels.js';
import { oneOfErrors } from '../shared/one-of.js';

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];
const POLICY_TYPES = ['Ingress', 'Egress'];

export function networkPolicyErrors(spec: V1NetworkPolicySpec): FieldError[] {
  const ingress = (spec.ingress ?? []).map(({ ports, from }) => ({ ports, peers: from, peersField: 'from' }));
  const egress = (spec.egress ?? []).map(({ ports, to }) => ({ ports, peers: to, peersField: 'to' }));
  return [
    ...validateLabelSelector(spec.podSelector, 'spec.podSelector'),
    ...ingress.flatMap((rule, index) => ruleErrors(rule, `spec.ingress[${index}]`)),
    ...egress.flatMap((rule, index) => ruleErrors(rule, `spec.egress[${index}]`)),
    ...policyTypeErrors(spec.policyTypes ?? []),
  ];
}

interface Rule {
  readonly ports: V1NetworkPolicyPort[] | undefined;
  readonly peers: V1NetworkPolicyPeer[] | undefined;
  readonly peersField: string;
}

function ruleErrors({ ports = [], peers = [], peersField }: Rule, path: string): FieldError[] {
  return [
    ...ports.flatMap((port, index) => portErrors(port, `${path}.ports[${index}]`)),
    ...peers.flatMap((peer, index) => peerErrors(peer, `${path}.${peersField}[${index}]`)),
  ];
}

function portErrors({ protocol, port, endPort }: V1NetworkPolicyPort, path: string): FieldError[] {
  const errors = protocol === undefined ? [] : oneOfErrors(`${path}.protocol`, protocol, PROTOCOLS);
  const end = `${path}.endPort`;
  if (port === undefined) {
    if (endPort !== undefined) {
      errors.push(invalid(end, endPort, 'may not be specified when `port` is not specified'));
    }
  } else if (typeof port === 'string') {
    if (endPort !== undefined) {
      errors.push(invalid(end, endPort, 'may not be specified when `port` is non-numeric'));
    }
    errors.push(...formatErrors(`${path}.port`, port, isPortName));
  } else {
    errors.push(...isPortNumber(port).map((message) => invalid(`${path}.port`, port, message)));
    if (endPort !== undefined) {
      if (endPort < port) errors.push(invalid(end, port, 'must be greater than or equal to `port`'));
      errors.push(...isPortNumber(endPort).map((message) => invalid(end, endPort, message)));
    }
  }
  return errors;
}

function peerErrors({ podSelector, namespaceSelector, ipBlock }: V1NetworkPolicyPeer, path: string): FieldError[] {
  const errors = [
    ...validateLabelSelector(podSelector, `${path}.podSelector`),
    ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...(ipBlock === undefined ? [] : ipBlockErrors(ipBlock, `${path}.ipBlock`)),
  ];
  const peers = [podSelector, namespaceSelector, ipBlock].filter((peer) => peer !== undefined).length;
  if (peers === 0) errors.push(required(path, 'must specify a peer'));
  else if (peers > 1 && ipBlock !== undefined) {
    errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  }
  return errors;
}

function ipBlockErrors({ cidr, except = [] }: V1IPBlock, path: string): FieldError[] {
  if (!cidr) return [required(`${path}.cidr`)];
  const errors = cidrErrors(`${path}.cidr`, cidr);
  if (errors.length > 0) return errors;
  return except.flatMap((excepted, index) => {
    const at = `${path}.except[${index}]`;
    const faults = cidrErrors(at, excepted);
    if (faults.length > 0) return faults;
    return isStrictSubset(excepted, cidr) ? [] : [invalid(at, excepted, 'must be a strict subset of `cidr`')];
  });
}

function isStrictSubset(inner: string, outer: string): boolean {
  const [innerAddress = '', innerBits] = inner.split('/');
  const [outerAddress = '', outerBits] = outer.split('/');
  const network = new BlockList();
  network.addSubnet(outerAddress, Number(outerBits), familyOf(outerAddress));
  return Number(innerBits) > Number(outerBits) && network.check(innerAddress, familyOf(innerAddress));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

function policyTypeErrors(types: readonly string[]): FieldError[] {
  if (types.length > POLICY_TYPES.length) {
    return [invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')];
  }
  return types.flatMap((type, index) => oneOfErrors(`spec.policyTypes[${index}]`, type, POLICY_TYPES));
}
