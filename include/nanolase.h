/*
 * nanolase: solves the equations of coupled nanolasers in the time domain.
 *
 * A run, in the order of its calls:
 *
 *   nl_config_load        an ini file and overrides          -> nl_config
 *   nl_plan_new           every sweep point, checked         -> nl_plan
 *   nl_backend_open       CPU or CUDA device                 -> nl_backend
 *   nl_plan_new_result    (nl_result_resume)                 -> nl_result
 *   nl_plan_run           batches: nl_relax or nl_evolve; a batch steps with nl_batch_advance
 *   nl_result_value       one number; nl_result_write: HDF5, which nl_result_show prints
 *
 * Functions that can fail return an nl_status; nl_error_message says what happened. Nothing here prints or exits.
 */
#ifndef NANOLASE_H
#define NANOLASE_H

#ifdef __cplusplus
extern "C" {
#endif

#include "nanolase/backend.h"
#include "nanolase/batch.h"
#include "nanolase/config.h"
#include "nanolase/control.h"
#include "nanolase/dimer.h"
#include "nanolase/error.h"
#include "nanolase/laser.h"
#include "nanolase/model.h"
#include "nanolase/phase.h"
#include "nanolase/plan.h"
#include "nanolase/ranks.h"
#include "nanolase/result.h"
#include "nanolase/solve.h"
#include "nanolase/tableau.h"

#ifdef __cplusplus
}
#endif

#endif
