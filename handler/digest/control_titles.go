package digest

import "strings"

// ControlTitle is what a control is about, in our words; "" where we have none. Rules name controls by framework, edition
// and number.
func ControlTitle(id string) string {
	if framework, rest, ok := strings.Cut(id, " Azure "); ok && framework == "CIS" {
		_, number, _ := strings.Cut(rest, " ")
		number = strings.TrimPrefix(strings.TrimPrefix(number, "6.1.2."), "7.1.2.")
		return cisTitles[number]
	}
	return controlTitles[id]
}

// cisTitles are those of the Activity Log alerts that the CIS Azure Foundations benchmarks ask for: section 7.1.2 in
// edition 4, 6.1.2 in editions 5 and 6.
var cisTitles = map[string]string{
	"1": "Alert for creating a policy assignment", "2": "Alert for deleting a policy assignment",
	"3": "Alert for creating or changing a network security group", "4": "Alert for deleting a network security group",
	"5": "Alert for creating or changing a security solution", "6": "Alert for deleting a security solution",
	"7": "Alert for creating or changing a SQL server firewall rule", "8": "Alert for deleting a SQL server firewall rule",
	"9": "Alert for creating or changing a public IP address", "10": "Alert for deleting a public IP address", "11": "Alert for service health",
}

var controlTitles = map[string]string{
	"ISO 27001:2022 A.5.25": "Assessment of security events", "ISO 27001:2022 A.5.30": "Readiness of ICT for business continuity",
	"ISO 27001:2022 A.8.2": "Privileged access rights", "ISO 27001:2022 A.8.3": "Restriction of access to information",
	"ISO 27001:2022 A.8.10": "Deletion of information", "ISO 27001:2022 A.8.12": "Prevention of data leakage",
	"ISO 27001:2022 A.8.13": "Backup", "ISO 27001:2022 A.8.15": "Logging", "ISO 27001:2022 A.8.16": "Monitoring of activities",
	"ISO 27001:2022 A.8.18": "Use of privileged utility programs", "ISO 27001:2022 A.8.20": "Security of networks",
	"ISO 27001:2022 A.8.24": "Use of cryptography", "ISO 27001:2022 A.8.32": "Change management",

	"NIST 800-53r5 AC-2(4)": "Automated audit of account actions", "NIST 800-53r5 AC-3": "Access enforcement", "NIST 800-53r5 AC-6": "Least privilege",
	"NIST 800-53r5 AC-6(9)": "Log of the use of privileged functions", "NIST 800-53r5 AC-17": "Remote access", "NIST 800-53r5 AU-6": "Review of audit records",
	"NIST 800-53r5 AU-9": "Protection of audit information", "NIST 800-53r5 AU-12": "Generation of audit records", "NIST 800-53r5 CM-3": "Control of configuration changes",
	"NIST 800-53r5 CP-2": "Contingency plan", "NIST 800-53r5 CP-9": "System backup", "NIST 800-53r5 IR-4": "Incident handling",
	"NIST 800-53r5 SC-7": "Boundary protection", "NIST 800-53r5 SC-12": "Management of cryptographic keys", "NIST 800-53r5 SI-4": "System monitoring",

	"PCI DSS 4.0.1 1.2.2": "Changes of network connections are approved", "PCI DSS 4.0.1 3.7.5": "Keys are retired, replaced or destroyed",
	"PCI DSS 4.0.1 7.2.1": "A model of access control", "PCI DSS 4.0.1 7.2.4": "Review of user accounts and rights",
	"PCI DSS 4.0.1 10.2.1.5": "Changes of credentials and rights are logged", "PCI DSS 4.0.1 10.2.1.6": "Starting and stopping of audit logs is logged",
	"PCI DSS 4.0.1 10.4.1": "Daily review of audit logs", "PCI DSS 4.0.1 12.10.5": "Response to alerts of security monitoring",

	"SOC 2 A1.1": "Capacity", "SOC 2 A1.2": "Backup and recovery infrastructure", "SOC 2 CC6.1": "Logical access security", "SOC 2 CC6.2": "Registration and removal of users",
	"SOC 2 CC6.3": "Access by role and least privilege", "SOC 2 CC6.6": "Protection against threats from outside", "SOC 2 CC6.8": "Prevention of unauthorised software",
	"SOC 2 CC7.2": "Monitoring for anomalies", "SOC 2 CC7.3": "Evaluation of security events", "SOC 2 CC8.1": "Change management",
}
