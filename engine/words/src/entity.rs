//! The kinds of personal data, by Contact Lens's names.

use std::fmt;
use std::str::FromStr;

macro_rules! entities {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// A kind of personal data. `Display` and `FromStr` use Contact Lens's names.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Entity {
            $($(#[$doc])* $name),+
        }

        impl Entity {
            /// Every kind: the 36 of Contact Lens's voice analysis and the 3 of its chats.
            pub const ALL: &[Entity] = &[$(Entity::$name),+];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Entity::$name => $text),+
                }
            }
        }
    };
}

entities! {
    /// Number of a bank account.
    BankAccountNumber = "BANK_ACCOUNT_NUMBER",
    /// American routing number (ABA).
    BankRouting = "BANK_ROUTING",
    /// Number of a payment card.
    CreditDebitNumber = "CREDIT_DEBIT_NUMBER",
    /// Its verification code.
    CreditDebitCvv = "CREDIT_DEBIT_CVV",
    /// Its expiry date.
    CreditDebitExpiry = "CREDIT_DEBIT_EXPIRY",
    /// IBAN (ISO 13616).
    Iban = "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    /// Personal identification number.
    Pin = "PIN",
    /// BIC (ISO 9362).
    SwiftCode = "SWIFT_CODE",
    /// American Social Security number.
    Ssn = "SSN",
    /// Canadian Social Insurance number.
    CaSocialInsuranceNumber = "CA_SOCIAL_INSURANCE_NUMBER",
    /// British National Insurance number.
    UkNationalInsuranceNumber = "UK_NATIONAL_INSURANCE_NUMBER",
    /// Canadian health number.
    CaHealthNumber = "CA_HEALTH_NUMBER",
    /// British NHS number.
    UkNationalHealthServiceNumber = "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
    /// Number of a passport.
    PassportNumber = "PASSPORT_NUMBER",
    /// Number of a driving licence.
    DriverId = "DRIVER_ID",
    /// Indian Aadhaar number.
    InAadhaar = "IN_AADHAAR",
    /// Indian permanent account number.
    InPermanentAccountNumber = "IN_PERMANENT_ACCOUNT_NUMBER",
    /// Indian NREGA job card.
    InNrega = "IN_NREGA",
    /// Indian voter's number.
    InVoterNumber = "IN_VOTER_NUMBER",
    /// American individual taxpayer's number.
    UsIndividualTaxIdentificationNumber = "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER",
    /// British unique taxpayer reference.
    UkUniqueTaxpayerReferenceNumber = "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER",
    /// A person's name.
    Name = "NAME",
    /// A person's age.
    Age = "AGE",
    /// E-mail address.
    Email = "EMAIL",
    /// Telephone number.
    Phone = "PHONE",
    /// Postal address.
    Address = "ADDRESS",
    /// Date or time.
    DateTime = "DATE_TIME",
    /// AWS access key id.
    AwsAccessKey = "AWS_ACCESS_KEY",
    /// AWS secret access key.
    AwsSecretKey = "AWS_SECRET_KEY",
    /// IP address.
    IpAddress = "IP_ADDRESS",
    /// MAC address.
    MacAddress = "MAC_ADDRESS",
    /// A password.
    Password = "PASSWORD",
    /// Address of a page.
    Url = "URL",
    /// Name of an account.
    Username = "USERNAME",
    /// Number plate.
    LicensePlate = "LICENSE_PLATE",
    /// Number of a vehicle (ISO 3779).
    VehicleIdentificationNumber = "VEHICLE_IDENTIFICATION_NUMBER",
    /// In chats: how the agent is called.
    AgentDisplayName = "AGENT_DISPLAY_NAME",
    /// In chats: how the customer is called.
    CustomerDisplayName = "CUSTOMER_DISPLAY_NAME",
    /// In chats: name of a file that was sent.
    AttachmentName = "ATTACHMENT_NAME",
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is none of [`Entity::ALL`]'s.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownEntity(String);

impl fmt::Display for UnknownEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no kind of personal data; known are ", self.0.escape_debug())?;
        for (i, entity) in Entity::ALL.iter().enumerate() {
            write!(f, "{}{entity}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownEntity {}

impl FromStr for Entity {
    type Err = UnknownEntity;

    fn from_str(text: &str) -> Result<Self, UnknownEntity> {
        let found = Self::ALL.iter().find(|e| e.as_str().eq_ignore_ascii_case(text.trim()));
        found.copied().ok_or_else(|| UnknownEntity(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_36_and_3_names_of_contact_lens_are_accepted() {
        assert_eq!(Entity::ALL.len(), 39);
        for &entity in Entity::ALL {
            assert_eq!(entity.to_string().parse(), Ok(entity));
            assert_eq!(entity.as_str().to_lowercase().parse(), Ok(entity));
        }
        let error = "CARD".parse::<Entity>().unwrap_err().to_string();
        assert!(error.contains("`CARD`") && error.contains("CREDIT_DEBIT_NUMBER"), "{error}");
    }
}
