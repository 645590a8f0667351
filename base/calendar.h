/* base/calendar.h -- days and dates of the proleptic Gregorian calendar (Howard Hinnant's civil dates): no zone, no locale.
 *
 * No state; any thread. Exact for years of up to 300 million around 0. */
#ifndef PT_CALENDAR_H
#define PT_CALENDAR_H
#include <stdint.h>

typedef struct pt_date {
    int64_t year;
    int64_t month, day; /* from 1 */
} pt_date;

/* Rounded down, of negative numbers too; b > 0. */
int64_t pt_floor_div(int64_t a, int64_t b);
/* Days since 1970-01-01, negative before. A day beyond the month's end counts on into the next month. */
int64_t pt_days_of_date(int64_t year, int64_t month, int64_t day);
pt_date pt_date_of_days(int64_t days);
#endif
