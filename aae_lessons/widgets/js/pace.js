// When a training is looked at: as often as is useful, but within a share of the training's time.

/** Something that is done now and then while a training goes on. */
export class Occasion {
  /**
   * every: the shortest interval, in ms. share: the part of all time that it may take. latest: the
   * interval, in ms, after which its turn has come whatever it takes, so that the picture moves.
   */
  constructor({ every, latest, share }) {
    Object.assign(this, { every, latest, share, last: -Infinity, took: 0 });
  }

  /** Whether its turn has come at `now`; elapsed: the time of updates and looks so far, in ms. */
  due(now, elapsed) {
    const since = now - this.last;
    return since >= this.latest || (since >= this.every && this.took <= this.share * elapsed);
  }
}

/**
 * What a page shows of a training: pictures, and measurements, which are pictures too. In plain
 * JavaScript the codes of 400 digits take 15 ms and an update takes 19 ms. A share of the time that
 * the training has taken also holds where other programs slow it down; a fixed interval does not.
 */
export class Pace {
  constructor() {
    this.pictures = new Occasion({ every: 60, latest: 2000, share: 0.06 });
    this.measurements = new Occasion({ every: 700, latest: 5000, share: 0.04 });
    this.elapsed = 0;
  }

  /** What to look at after the next updates: "picture", "measurement" or null. */
  next(now) {
    const { pictures, measurements, elapsed } = this;
    const measure = measurements.due(now, elapsed);
    if (!measure && !pictures.due(now, elapsed)) return null;
    pictures.last = now;
    if (measure) measurements.last = now;
    return measure ? "measurement" : "picture";
  }

  /** Counts the time of some updates and of the look after them, in ms. */
  count(what, { training, looking }) {
    this.elapsed += training + looking;
    if (what === "measurement") this.measurements.took += looking;
    if (what === "picture") this.pictures.took += looking;
  }
}
