import { LibvirtCanonicalError } from '../../errors.js';
import { keptFree, type PlacementRequest } from '../drain-request.js';
import type { Member } from '../member.js';
import type { DomainNeeds } from '../needs.js';
import { roomOf, sightsOf } from '../sight.js';
import type { StepOptions } from './context.js';

/** Room as it is now: others may have come since the plan. `FLEET_NO_CAPACITY`, `DAEMON_UNREACHABLE`. */
export async function assertRoom(
  target: Member,
  domain: string,
  needs: DomainNeeds,
  { keepFree }: Pick<PlacementRequest, 'keepFree'>,
  { signal }: StepOptions,
): Promise<void> {
  const [sight] = await sightsOf([target], signal);
  if (!sight || sight.is === 'silent')
    throw new LibvirtCanonicalError('DAEMON_UNREACHABLE', `${target.name} did not answer: ${sight?.why}`, {
      remedy: 'Ask again when it answers',
    });
  const lack = roomOf(sight, (total) => keptFree(total, { keepFree })).lack(needs);
  if (lack)
    throw new LibvirtCanonicalError(
      'FLEET_NO_CAPACITY',
      `domain ${domain} does not go to ${target.name}: ${lack.reason}`,
      {
        domain,
        remedy: lack.remedy,
      },
    );
}
