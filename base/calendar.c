/* base/calendar.c -- eras of 400 years, years that begin in March. */
#include "base/calendar.h"

enum { ERA_DAYS = 146097, BEFORE_1970 = 719468 }; /* from 0000-03-01 */

int64_t pt_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t pt_days_of_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = pt_floor_div(year, 400), of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - BEFORE_1970;
}

pt_date pt_date_of_days(int64_t days)
{
    days += BEFORE_1970;
    int64_t era = pt_floor_div(days, ERA_DAYS), of_era = days - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
    int64_t month = m < 10 ? m + 3 : m - 9;
    return (pt_date){ .year = year + era * 400 + (month <= 2), .month = month, .day = of_year - (153 * m + 2) / 5 + 1 };
}
