#include "series.h"

#include <math.h>

void nl_series_through(int M, const double *value, double *series)
{
    for (int k = 0; k <= M; k++) {
        double sum = 0;
        for (int i = 0; i <= M; i++)
            sum += (i == 0 || i == M ? 0.5 : 1) * value[i] * cos(acos(-1) * ((long)i * k % (2 * M)) / M);
        series[k] = (k == 0 || k == M ? 1.0 : 2.0) / M * sum;
    }
}

double nl_series_at(const double *series, int M, double x, double *derivative)
{
    double T0 = 1, T1 = x, U0 = 0, U1 = 1, sum = series[0] + series[1] * x, slope = series[1];
    for (int k = 2; k <= M; k++) {
        const double T = 2 * x * T1 - T0, U = 2 * x * U1 - U0;
        sum += series[k] * T;
        slope += k * series[k] * U;
        T0 = T1;
        T1 = T;
        U0 = U1;
        U1 = U;
    }
    *derivative = slope;
    return sum;
}
