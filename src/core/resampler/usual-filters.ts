import { storedFilters } from './stored-filters.ts';
import type { ResamplerFilters } from './resampler-stages.ts';
import { USUAL_FILTERS } from './usual-filter-table.ts';

/** The filters of `voice` and `hq` between 48, 44.1, 24, 16 and 8 kHz, and between other rates with the same ratios. */
export const usualFilters: ResamplerFilters = storedFilters(USUAL_FILTERS);
