/** When ICE restarts, decided without a clock; and that it causes no storm, whatever the path and the other side do. */
import { describe, expect, it } from 'vitest';
import { IceRestartPlan } from '../src/core/webrtc/ice-restart-plan.ts';
import { seededRandom } from './helpers/random.ts';

/** Does what the plan says until a time. @returns when it acted */
function follow(plan: IceRestartPlan, untilMs: number): [act: string, atMs: number][] {
  const acts: [string, number][] = [];
  for (;;) {
    const { next } = plan;
    if (next === null || next.atMs > untilMs) return acts;
    acts.push([next.act, next.atMs]);
    if (next.act === 'fail') return acts;
    plan.restarted(next.atMs);
  }
}

describe('IceRestartPlan', () => {
  it('restarts at once when the path is lost, then at growing intervals, then gives up', () => {
    const plan = new IceRestartPlan(30_000);
    plan.works(0);
    expect(plan.next).toBeNull();
    plan.lost(60_000);
    expect(plan.isRecovering).toBe(true);
    expect(follow(plan, 1e9)).toEqual([
      ['restart', 60_000],
      ['restart', 62_000],
      ['restart', 66_000],
      ['restart', 74_000],
      ['restart', 82_000],
      ['fail', 90_000],
    ]);
  });

  it('stops when the path works, and starts from the shortest wait once it has been steady', () => {
    const plan = new IceRestartPlan(30_000);
    plan.works(0);
    plan.lost(1000);
    expect(follow(plan, 5000)).toHaveLength(2);
    plan.works(5000);
    expect(plan.next).toBeNull();
    // Lost again soon: what it took before still counts.
    plan.lost(6000);
    expect(follow(plan, 10_000)).toEqual([['restart', 7000]]);
    plan.works(10_000);
    plan.lost(20_000);
    expect(follow(plan, 22_500)).toEqual([
      ['restart', 20_000],
      ['restart', 22_000],
    ]);
  });

  it('carries out a request at once, but not twice within two seconds', () => {
    const plan = new IceRestartPlan(30_000);
    plan.works(0);
    plan.ask(100);
    expect(follow(plan, 100)).toEqual([['restart', 100]]);
    plan.ask(200);
    plan.ask(300);
    expect(follow(plan, 10_000)).toEqual([['restart', 2100]]);
  });

  it('tries again soon on another network', () => {
    const plan = new IceRestartPlan(60_000);
    plan.works(0);
    plan.lost(20_000);
    expect(follow(plan, 35_000)).toHaveLength(4);
    plan.networkChanged(35_000);
    expect(follow(plan, 38_000)).toEqual([
      ['restart', 36_000],
      ['restart', 38_000],
    ]);
  });

  it('counts a request to the other side and its own offer as one restart', () => {
    const plan = new IceRestartPlan(30_000);
    plan.works(0);
    plan.lost(20_000);
    plan.restarted(20_000);
    plan.restarted(20_150);
    expect(plan.next).toEqual({ act: 'restart', atMs: 22_150 });
  });

  it('with a time of 0, does nothing by itself but answers requests of the other side', () => {
    const plan = new IceRestartPlan(0);
    plan.works(0);
    plan.lost(1000);
    plan.networkChanged(1000);
    expect([plan.next, plan.isRecovering]).toEqual([null, false]);
    plan.ask(2000);
    expect(plan.next).toEqual({ act: 'restart', atMs: 2000 });
  });

  it('never restarts twice within two seconds, nor continues after giving up, in any sequence of events', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed);
      const timeout = 1 + Math.floor(random() * 60_000);
      const plan = new IceRestartPlan(timeout);
      plan.works(0);
      let last = -Infinity;
      let lostAt: number | null = null;
      for (let now = 0; now < 120_000; now += Math.floor(random() * 1500)) {
        const { next } = plan;
        if (next !== null && next.atMs <= now) {
          if (next.act === 'fail') {
            expect(now - lostAt!).toBeGreaterThanOrEqual(timeout);
            break;
          }
          expect(now - last).toBeGreaterThanOrEqual(2000);
          last = now;
          plan.restarted(now);
        }
        const dice = random();
        if (dice < 0.2) plan.ask(now);
        else if (dice < 0.3) plan.networkChanged(now);
        else if (dice < 0.5) {
          plan.lost(now);
          lostAt ??= now;
        } else if (dice < 0.6) {
          plan.works(now);
          lostAt = null;
        }
        expect(plan.isRecovering).toBe(lostAt !== null);
        // A lost path always has a next step, and it is not far.
        if (lostAt !== null) expect(plan.next!.atMs - now).toBeLessThanOrEqual(8000);
      }
    }
  });
});
